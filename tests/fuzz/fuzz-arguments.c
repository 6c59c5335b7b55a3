/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fuzz-arguments.c: any bytes as a call's arguments, read by every getter. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collet-arguments.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  char *text = malloc (size + 1); /* NUL-terminated, as the runtime's copy is */
  struct collet_slice slice;

  if (size > 0)
    memcpy (text, data, size); /* no bytes may come as NULL */
  text[size] = '\0';
  if (collet_arguments_find (text, size, "a", &slice))
    {
      char *out = malloc (slice.size + 1);
      bool flag;
      int64_t whole;
      double number;

      collet_slice_get_boolean (&slice, &flag);
      collet_slice_get_integer (&slice, &whole);
      collet_slice_get_number (&slice, &number);
      if (collet_slice_is_string (&slice) && collet_slice_unescape (&slice, out) > slice.size)
        abort ();
      free (out);
    }
  free (text);
  return 0;
}
