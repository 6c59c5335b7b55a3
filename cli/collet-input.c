/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-input.h"

#include <unistd.h>

#include "collet-error.h"

char *
collet_input_read (gsize max, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char block[8192];
  gssize n;

  while ((n = read (STDIN_FILENO, block, sizeof block)) > 0)
    {
      g_string_append_len (text, block, n);
      if (text->len > max)
        {
          g_set_error (error, COLLET_ERROR, COLLET_ERROR_MESSAGE_TOO_LARGE,
                       "Standard input has more than %" G_GSIZE_FORMAT " KiB", max / 1024);
          return NULL;
        }
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}
