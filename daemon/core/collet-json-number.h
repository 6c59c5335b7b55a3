/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-json-number.h: JSON numbers as exact decimals, so that comparing two of
 * them does not depend on how either rounds to a double.
 *
 * A view: it points into the text of the number.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *digits; /* from the first digit that is not 0; may hold one '.' */
  guint32 n_digits;   /* significant digits, 0 for zero; trailing zeros left out */
  gboolean is_negative;
  gint64 exponent; /* value = 0.d1d2d3... * 10^exponent; clamped far out of range */
} ColletJsonNumber;

/* `text` is a number in JSON's grammar. */
void collet_json_number_init (ColletJsonNumber *number, const char *text, gsize size);
/* < 0, 0, > 0 */
int collet_json_number_compare (const ColletJsonNumber *a, const ColletJsonNumber *b);
guint64 collet_json_number_hash (const ColletJsonNumber *number);
gboolean collet_json_number_is_integer (const ColletJsonNumber *number);
/* FALSE if it is not whole or not in range. */
gboolean collet_json_number_get_int64 (const ColletJsonNumber *number, gint64 *value);
gboolean collet_json_number_get_uint64 (const ColletJsonNumber *number, guint64 *value);
/* Nearest double, infinite when out of range. */
double collet_json_number_to_double (const char *text, gsize size);
/* Exact. `divisor` > 0, of at most COLLET_JSON_MAX_DIVISOR_DIGITS significant
 * digits. */
#define COLLET_JSON_MAX_DIVISOR_DIGITS 18
gboolean collet_json_number_is_multiple_of (const ColletJsonNumber *number, const ColletJsonNumber *divisor);

G_END_DECLS
