/* SPDX-License-Identifier: 0BSD
 *
 * arithmetic.h: what all versions of the calculator share: numbers that stay
 * exact as long as they are whole.
 */
#ifndef ARITHMETIC_H
#define ARITHMETIC_H

#include "collet-module.h"

/* A whole number of up to 127 bits, or else a double. */
struct number
{
  bool is_whole;
  __extension__ __int128 whole;
  double real;
};

/* Enough for any number as text. */
#define NUMBER_TEXT 64

bool number_get (struct collet_call *call, const char *name, struct number *number);
/* `text` has NUMBER_TEXT bytes. False if the number has no place in JSON. */
bool number_format (struct number number, char *text);

struct number number_add (struct number a, struct number b);
struct number number_subtract (struct number a, struct number b);
struct number number_multiply (struct number a, struct number b);
struct number number_divide (struct number a, struct number b); /* b is not 0 */
struct number number_power (struct number base, struct number exponent);
bool number_is_zero (struct number number);

#endif
