/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-style.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <glib/gi18n.h>

/* Of the names of what is shown one a line. */
#define FIELD_WIDTH 14

static gboolean has_color[2];

static gboolean
wants_color (int fd, gboolean no_color)
{
  const char *no = g_getenv ("NO_COLOR");

  if (no_color || (no != NULL && *no != '\0') || g_strcmp0 (g_getenv ("TERM"), "dumb") == 0)
    return FALSE;
  return isatty (fd) == 1;
}

void
collet_style_init (gboolean no_color)
{
  has_color[0] = wants_color (STDOUT_FILENO, no_color);
  has_color[1] = wants_color (STDERR_FILENO, no_color);
}

const char *
collet_style_begin (ColletPaint paint, gboolean on_error)
{
  static const char *const codes[] = {
    [COLLET_PAINT_NONE] = "",         [COLLET_PAINT_BOLD] = "\033[1m",  [COLLET_PAINT_DIM] = "\033[2m",
    [COLLET_PAINT_GOOD] = "\033[32m", [COLLET_PAINT_WARN] = "\033[33m", [COLLET_PAINT_BAD] = "\033[31m",
  };

  return has_color[on_error ? 1 : 0] ? codes[paint] : "";
}

const char *
collet_style_end (ColletPaint paint, gboolean on_error)
{
  return paint != COLLET_PAINT_NONE && has_color[on_error ? 1 : 0] ? "\033[0m" : "";
}

ColletPaint
collet_style_of_state (const char *state)
{
  static const char *const good[] = { "running", "succeeded", "ok",      "passed", "live",
                                      "joined",  "in-line",   "applied", NULL };
  static const char *const bad[] = { "broken",   "failed",   "interrupted", "down",    "frozen",
                                     "minority", "breaking", "refused",     "removed", NULL };
  static const char *const warn[] = { "restarting", "warning",  "attention", "cancelled", "drained",
                                      "stopping",   "starting", "lagging",   "override",  NULL };

  if (g_strv_contains (good, state))
    return COLLET_PAINT_GOOD;
  if (g_strv_contains (bad, state))
    return COLLET_PAINT_BAD;
  if (g_strv_contains (warn, state))
    return COLLET_PAINT_WARN;
  return g_str_equal (state, "cold") || g_str_equal (state, "skipped") ? COLLET_PAINT_DIM : COLLET_PAINT_NONE;
}

char *
collet_style_dup_safe (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_sized_new (strlen (valid));

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      if (c == '\n' || c == '\t' || c == '\r')
        g_string_append_c (out, ' ');
      else
        g_string_append_unichar (out, g_unichar_iscntrl (c) ? '?' : c);
    }
  return g_string_free (out, FALSE);
}

void
collet_style_print_field (const char *name, char *value, ColletPaint paint)
{
  g_autofree char *given = value;
  g_autofree char *text = collet_style_dup_safe (given);

  if (*text != '\0')
    {
      const char *shown = *name != '\0' ? _ (name) : "";

      g_print ("%s%s%*s%s %s%s%s\n", collet_style_begin (COLLET_PAINT_DIM, FALSE), shown,
               MAX (0, FIELD_WIDTH - (int)g_utf8_strlen (shown, -1)), "",
               collet_style_end (COLLET_PAINT_DIM, FALSE), collet_style_begin (paint, FALSE), text,
               collet_style_end (paint, FALSE));
    }
}

gboolean
collet_style_is_terminal (int fd)
{
  return isatty (fd) == 1;
}

guint
collet_style_get_width (int fd)
{
  struct winsize size;

  if (isatty (fd) != 1)
    return 0;
  return ioctl (fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

gboolean
collet_style_is_utf8 (void)
{
  return g_get_charset (NULL);
}
