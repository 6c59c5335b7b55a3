/* SPDX-License-Identifier: 0BSD */
#include "arithmetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct number
whole (__int128 value)
{
  return (struct number){ .is_whole = true, .whole = value, .real = (double)value };
}

static struct number
real (double value)
{
  return (struct number){ .is_whole = false, .real = value };
}

bool
number_get (struct collet_call *call, const char *name, struct number *number)
{
  int64_t integer;
  double value;

  if (collet_get_integer (call, name, &integer))
    *number = whole (integer);
  else if (collet_get_number (call, name, &value))
    *number = real (value);
  else
    return false;
  return true;
}

static void
format_whole (__int128 value, char *text)
{
  /* Digits come out last first; the magnitude is unsigned, as that of the
   * smallest number has no signed counterpart. */
  unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
  char digits[NUMBER_TEXT];
  size_t n = 0;

  do
    digits[n++] = (char)('0' + (int)(rest % 10));
  while ((rest /= 10) > 0);
  if (value < 0)
    *text++ = '-';
  while (n > 0)
    *text++ = digits[--n];
  *text = '\0';
}

bool
number_format (struct number number, char *text)
{
  if (number.is_whole)
    {
      format_whole (number.whole, text);
      return true;
    }
  if (!isfinite (number.real))
    return false;

  /* The shortest text that reads back as the same number. */
  for (int precision = 15; precision <= 17; precision++)
    {
      snprintf (text, NUMBER_TEXT, "%.*g", precision, number.real);
      if (strtod (text, NULL) == number.real)
        break;
    }
  /* The host may run in a locale with a decimal comma; JSON does not. */
  for (char *c = text; *c != '\0'; c++)
    if (*c == ',')
      *c = '.';
  return true;
}

struct number
number_add (struct number a, struct number b)
{
  __int128 sum;

  if (a.is_whole && b.is_whole && !__builtin_add_overflow (a.whole, b.whole, &sum))
    return whole (sum);
  return real (a.real + b.real);
}

struct number
number_subtract (struct number a, struct number b)
{
  __int128 difference;

  if (a.is_whole && b.is_whole && !__builtin_sub_overflow (a.whole, b.whole, &difference))
    return whole (difference);
  return real (a.real - b.real);
}

struct number
number_multiply (struct number a, struct number b)
{
  __int128 product;

  if (a.is_whole && b.is_whole && !__builtin_mul_overflow (a.whole, b.whole, &product))
    return whole (product);
  return real (a.real * b.real);
}

struct number
number_divide (struct number a, struct number b)
{
  if (a.is_whole && b.is_whole && a.whole % b.whole == 0)
    return whole (a.whole / b.whole);
  return real (a.real / b.real);
}

struct number
number_power (struct number base, struct number exponent)
{
  struct number result = whole (1);
  struct number factor = base;

  if (!base.is_whole || !exponent.is_whole || exponent.whole < 0)
    return real (pow (base.real, exponent.real));

  /* By squaring; once a product no longer fits it stays a double. */
  for (__int128 rest = exponent.whole; rest > 0; rest /= 2)
    {
      if (rest % 2 == 1)
        result = number_multiply (result, factor);
      if (rest > 1)
        factor = number_multiply (factor, factor);
    }
  return result.is_whole ? result : real (pow (base.real, exponent.real));
}

bool
number_is_zero (struct number number)
{
  return number.real == 0;
}
