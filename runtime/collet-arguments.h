/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-arguments.h: members of a call's arguments, read from the JSON text.
 *
 * The text was checked by the daemon; this reader trusts nothing all the same: on
 * text that is not JSON it finds nothing, or a slice that lies within the text.
 */
#ifndef COLLET_ARGUMENTS_H
#define COLLET_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct collet_slice
{
  const char *text; /* not NUL-terminated */
  size_t size;
};

/* The raw value of a member of the object, found by its unescaped name. */
bool collet_arguments_find (const char *json, size_t size, const char *name, struct collet_slice *value);

bool collet_slice_get_boolean (const struct collet_slice *value, bool *out);
/* A whole number (1.0 and 1e2 are) in the range of int64_t, exactly. */
bool collet_slice_get_integer (const struct collet_slice *value, int64_t *out);
bool collet_slice_get_number (const struct collet_slice *value, double *out);
bool collet_slice_is_string (const struct collet_slice *value);
/* Unescapes a string into `out`, which has value->size + 1 bytes; NUL-terminated.
 * Returns the size. */
size_t collet_slice_unescape (const struct collet_slice *value, char *out);

#endif /* COLLET_ARGUMENTS_H */
