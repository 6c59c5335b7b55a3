/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-style.h: colour on a terminal, plain text everywhere else.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  COLLET_PAINT_NONE,
  COLLET_PAINT_BOLD,
  COLLET_PAINT_DIM,
  COLLET_PAINT_GOOD,
  COLLET_PAINT_WARN,
  COLLET_PAINT_BAD,
} ColletPaint;

/* Once, at the start. Colour needs a terminal on that stream, no NO_COLOR in the
 * environment, a TERM other than "dumb" and `no_color` FALSE. */
void collet_style_init (gboolean no_color);

/* Begin and end of a paint on standard output or, if `on_error`, on standard
 * error: "" where there is no colour. */
const char *collet_style_begin (ColletPaint paint, gboolean on_error);
const char *collet_style_end (ColletPaint paint, gboolean on_error);

/* For words that the daemon uses: "running" is good, "broken" is bad, ... */
ColletPaint collet_style_of_state (const char *state);

/* The words of others, without what could move a cursor; newlines become spaces. */
char *collet_style_dup_safe (const char *text);

/* "name  value" on a line of standard output; nothing if the value is empty.
 * Takes the value. */
void collet_style_print_field (const char *name, char *value, ColletPaint paint);

gboolean collet_style_is_terminal (int fd);
/* Columns of the terminal behind `fd`; 0: it is none. */
guint collet_style_get_width (int fd);
gboolean collet_style_is_utf8 (void);

G_END_DECLS
