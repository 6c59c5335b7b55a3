/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-human.h: figures in the form that people read. Free each result.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "4 s ago", "3 min ago", "5 h ago", then "2026-01-31 14:05" (local time); "-" for
 * 0. Microseconds since 1970; `now` likewise. */
char *collet_human_dup_age (gint64 time_us, gint64 now_us);
/* "2026-01-31 14:05:09", or "-" for 0. */
char *collet_human_dup_time (gint64 time_us);
/* "850 us", "1.2 ms", "3.4 s", "2 min 5 s"; "-" if negative. */
char *collet_human_dup_duration (gint64 duration_us);
/* "14.8 KiB". */
char *collet_human_dup_size (guint64 bytes);
/* The first 12 digits; "-" if empty. */
char *collet_human_dup_hash (const char *sha256);

G_END_DECLS
