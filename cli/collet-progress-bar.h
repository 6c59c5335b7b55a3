/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-progress-bar.h: one line on standard error that grows, if that is a
 * terminal; nothing otherwise.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gboolean enabled;
  gboolean visible;
  gint64 drawn_at;
} ColletProgressBar;

void collet_progress_bar_init (ColletProgressBar *self, gboolean wanted);
/* fraction: 0 to 1. */
void collet_progress_bar_show (ColletProgressBar *self, double fraction, const char *label);
/* Wipes the line. */
void collet_progress_bar_clear (ColletProgressBar *self);

G_END_DECLS
