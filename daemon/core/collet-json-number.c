/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-json-number.h"

#include <string.h>

/* Exponents are clamped here: beyond every number that a double holds, and far
 * from overflow when two of them are added. */
#define EXPONENT_LIMIT G_GINT64_CONSTANT (1000000000000)

static gint64
read_exponent (const char *p, const char *end)
{
  gboolean is_negative = p < end && *p == '-';
  gint64 exponent = 0;

  if (p < end && (*p == '-' || *p == '+'))
    p++;
  for (; p < end; p++)
    exponent = MIN (exponent * 10 + (*p - '0'), EXPONENT_LIMIT);
  return is_negative ? -exponent : exponent;
}

void
collet_json_number_init (ColletJsonNumber *number, const char *text, gsize size)
{
  const char *p = text, *end = text + size, *last = NULL;
  gint64 point = -1, position = 0, first = -1, last_position = -1;

  *number = (ColletJsonNumber){ .digits = text };
  if (p < end && *p == '-')
    {
      number->is_negative = TRUE;
      p++;
    }
  for (; p < end && *p != 'e' && *p != 'E'; p++)
    {
      if (*p == '.')
        {
          point = position;
          continue;
        }
      if (*p != '0')
        {
          if (first < 0)
            {
              first = position;
              number->digits = p;
            }
          last = p;
          last_position = position;
        }
      position++;
    }
  if (last == NULL)
    {
      number->is_negative = FALSE; /* -0 is 0 */
      return;
    }
  if (point < 0)
    point = position;
  number->n_digits = last_position - first + 1;
  number->exponent = point - first;
  if (p < end)
    number->exponent += read_exponent (p + 1, end);
}

/* The next significant digit. */
static inline int
take_digit (const char **p)
{
  if (**p == '.')
    (*p)++;
  return *(*p)++ - '0';
}

static int
compare_magnitude (const ColletJsonNumber *a, const ColletJsonNumber *b)
{
  const char *pa = a->digits, *pb = b->digits;
  guint32 common = MIN (a->n_digits, b->n_digits);

  if (a->n_digits == 0 || b->n_digits == 0)
    return (a->n_digits != 0) - (b->n_digits != 0);
  if (a->exponent != b->exponent)
    return a->exponent < b->exponent ? -1 : 1;
  for (guint32 i = 0; i < common; i++)
    {
      int da = take_digit (&pa), db = take_digit (&pb);
      if (da != db)
        return da - db;
    }
  return a->n_digits < b->n_digits ? -1 : a->n_digits > b->n_digits;
}

int
collet_json_number_compare (const ColletJsonNumber *a, const ColletJsonNumber *b)
{
  if (a->is_negative != b->is_negative)
    return a->is_negative ? -1 : 1;
  return a->is_negative ? compare_magnitude (b, a) : compare_magnitude (a, b);
}

guint64
collet_json_number_hash (const ColletJsonNumber *number)
{
  guint64 hash = (guint64)number->exponent * 31 + number->is_negative;
  const char *p = number->digits;

  if (number->n_digits == 0)
    return 0;
  for (guint32 i = 0; i < number->n_digits; i++)
    {
      hash = (hash ^ (guint64)take_digit (&p)) * G_GUINT64_CONSTANT (0xff51afd7ed558ccd);
      hash ^= hash >> 32;
    }
  return hash;
}

gboolean
collet_json_number_is_integer (const ColletJsonNumber *number)
{
  return number->n_digits == 0 || number->exponent >= (gint64)number->n_digits;
}

gboolean
collet_json_number_get_uint64 (const ColletJsonNumber *number, guint64 *value)
{
  const char *p = number->digits;
  guint64 result = 0;

  if (!collet_json_number_is_integer (number) || number->is_negative || number->exponent > 20)
    return FALSE;
  for (gint64 i = 0; number->n_digits > 0 && i < number->exponent; i++)
    {
      guint digit = i < number->n_digits ? take_digit (&p) : 0;
      if (__builtin_mul_overflow (result, 10, &result) || __builtin_add_overflow (result, digit, &result))
        return FALSE;
    }
  *value = result;
  return TRUE;
}

gboolean
collet_json_number_get_int64 (const ColletJsonNumber *number, gint64 *value)
{
  ColletJsonNumber magnitude = *number;
  guint64 result;

  magnitude.is_negative = FALSE;
  if (!collet_json_number_get_uint64 (&magnitude, &result))
    return FALSE;
  if (result > (guint64)G_MAXINT64 + number->is_negative)
    return FALSE;
  *value = number->is_negative ? (gint64)-result : (gint64)result;
  return TRUE;
}

double
collet_json_number_to_double (const char *text, gsize size)
{
  char buffer[64];
  g_autofree char *heap = NULL;
  gboolean is_small = size < sizeof buffer;

  if (is_small)
    {
      memcpy (buffer, text, size);
      buffer[size] = '\0';
    }
  else
    {
      heap = g_strndup (text, size);
    }
  return g_ascii_strtod (is_small ? buffer : heap, NULL);
}

static guint64
multiply_modulo (guint64 a, guint64 b, guint64 modulus)
{
  return (guint64)((unsigned __int128)a * b % modulus);
}

static guint64
power_of_ten_modulo (guint64 exponent, guint64 modulus)
{
  guint64 result = 1 % modulus, base = 10 % modulus;

  for (; exponent > 0; exponent >>= 1)
    {
      if ((exponent & 1) != 0)
        result = multiply_modulo (result, base, modulus);
      base = multiply_modulo (base, base, modulus);
    }
  return result;
}

gboolean
collet_json_number_is_multiple_of (const ColletJsonNumber *number, const ColletJsonNumber *divisor)
{
  const char *p = divisor->digits;
  guint64 modulus = 0, remainder = 0;
  gint64 shift;

  if (number->n_digits == 0)
    return TRUE;
  /* So that 10 * remainder + digit stays below 2^64. */
  g_return_val_if_fail (divisor->n_digits > 0 && divisor->n_digits <= COLLET_JSON_MAX_DIVISOR_DIGITS, FALSE);

  /* number = N * 10^n and divisor = D * 10^d, N and D whole and not multiples
   * of ten. With n < d no multiple of D * 10^(d - n) is N; else D has to divide
   * N * 10^(n - d). */
  shift = (number->exponent - number->n_digits) - (divisor->exponent - divisor->n_digits);
  if (shift < 0)
    return FALSE;
  for (guint32 i = 0; i < divisor->n_digits; i++)
    modulus = modulus * 10 + (guint64)take_digit (&p);
  p = number->digits;
  for (guint32 i = 0; i < number->n_digits; i++)
    remainder = (remainder * 10 + (guint64)take_digit (&p)) % modulus;
  return multiply_modulo (remainder, power_of_ten_modulo (shift, modulus), modulus) == 0;
}
