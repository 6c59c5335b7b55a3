/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-stdio-lines.h: lines from one descriptor and to another, without ever
 * blocking. What is not taken yet is bounded by who asks: see is_full.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ColletStdioLines ColletStdioLines;

typedef struct
{
  /* A line without its end; not NUL-terminated, borrowed. NULL: one that was
   * longer than max_line, skipped. */
  void (*on_line) (const char *line, gsize size, gpointer user_data);
  void (*on_end) (gpointer user_data);  /* of input; once */
  void (*on_room) (gpointer user_data); /* it was full and is so no more */
  void (*on_lost) (gpointer user_data); /* nobody reads what is written; once */
  gpointer user_data;
} ColletStdioLinesOwner;

/* Descriptors stay the caller's; they are non-blocking until it is freed. */
ColletStdioLines *
collet_stdio_lines_new (int in, int out, gsize max_line, const ColletStdioLinesOwner *owner);
void collet_stdio_lines_free (ColletStdioLines *lines);

/* No more lines, but for those that were read already (64 KiB at most), until it
 * is called with FALSE. */
void collet_stdio_lines_hold (ColletStdioLines *lines, gboolean hold);

/* Adds the end of the line; line breaks within become spaces. */
void collet_stdio_lines_write (ColletStdioLines *lines, const char *line, gsize size);
/* More than a MiB waits to be read. */
gboolean collet_stdio_lines_is_full (ColletStdioLines *lines);
gboolean collet_stdio_lines_is_empty (ColletStdioLines *lines);

G_END_DECLS
