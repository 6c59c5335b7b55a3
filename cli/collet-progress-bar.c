/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-progress-bar.h"

#include <string.h>
#include <unistd.h>

#include "collet-style.h"

#define MIN_INTERVAL_US 40000
#define MAX_WIDTH 40

void
collet_progress_bar_init (ColletProgressBar *self, gboolean wanted)
{
  memset (self, 0, sizeof *self);
  self->enabled =
      wanted && collet_style_is_terminal (STDERR_FILENO) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
}

void
collet_progress_bar_show (ColletProgressBar *self, double fraction, const char *label)
{
  gint64 now = g_get_monotonic_time ();
  double safe = fraction >= 0 && fraction <= 1 ? fraction : 0;
  int permille = (int)(safe * 1000);

  if (!self->enabled || (self->visible && permille < 1000 && now - self->drawn_at < MIN_INTERVAL_US))
    return;

  guint terminal = collet_style_get_width (STDERR_FILENO);
  guint width = terminal > 40 ? MIN (terminal - 30, MAX_WIDTH) : 10;
  guint filled = (guint)(safe * width);
  gboolean utf8 = collet_style_is_utf8 ();
  g_autoptr (GString) bar = g_string_new (NULL);

  for (guint i = 0; i < width; i++)
    g_string_append (bar, i < filled ? (utf8 ? "━" : "#") : (utf8 ? "─" : "-"));
  g_printerr ("\r\033[K%s%s%s %3d %%  %.20s", collet_style_begin (COLLET_PAINT_GOOD, TRUE), bar->str,
              collet_style_end (COLLET_PAINT_GOOD, TRUE), permille / 10, label);
  self->visible = TRUE;
  self->drawn_at = now;
}

void
collet_progress_bar_clear (ColletProgressBar *self)
{
  if (self->visible)
    g_printerr ("\r\033[K");
  self->visible = FALSE;
}
