/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-human.h"

#include <glib/gi18n.h>

#define SECOND G_GINT64_CONSTANT (1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static char *
dup_local (gint64 time_us, const char *format)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (time_us / SECOND);

  return time != NULL ? g_date_time_format (time, format) : g_strdup ("-");
}

char *
collet_human_dup_time (gint64 time_us)
{
  return time_us == 0 ? g_strdup ("-") : dup_local (time_us, "%Y-%m-%d %H:%M:%S");
}

char *
collet_human_dup_age (gint64 time_us, gint64 now_us)
{
  gint64 age = now_us - time_us;

  if (time_us == 0)
    return g_strdup ("-");
  if (age < 0 || age >= 24 * HOUR)
    return dup_local (time_us, "%Y-%m-%d %H:%M");
  if (age < SECOND)
    return g_strdup (_ ("just now"));
  if (age < MINUTE)
    return g_strdup_printf (_ ("%d s ago"), (int)(age / SECOND));
  if (age < HOUR)
    return g_strdup_printf (_ ("%d min ago"), (int)(age / MINUTE));
  return g_strdup_printf (_ ("%d h ago"), (int)(age / HOUR));
}

char *
collet_human_dup_duration (gint64 duration_us)
{
  if (duration_us < 0)
    return g_strdup ("-");
  if (duration_us < 1000)
    return g_strdup_printf ("%d us", (int)duration_us);
  if (duration_us < SECOND)
    return g_strdup_printf ("%.1f ms", (double)duration_us / 1000);
  if (duration_us < MINUTE)
    return g_strdup_printf ("%.1f s", (double)duration_us / (double)SECOND);
  if (duration_us < HOUR)
    return g_strdup_printf ("%d min %d s", (int)(duration_us / MINUTE), (int)(duration_us % MINUTE / SECOND));
  return g_strdup_printf ("%" G_GINT64_FORMAT " h %d min", duration_us / HOUR,
                          (int)(duration_us % HOUR / MINUTE));
}

char *
collet_human_dup_size (guint64 bytes)
{
  if (bytes < 1024)
    return g_strdup_printf ("%u B", (guint)bytes);
  if (bytes < 1024 * 1024)
    return g_strdup_printf ("%.1f KiB", (double)bytes / 1024);
  return g_strdup_printf ("%.1f MiB", (double)bytes / (1024 * 1024));
}

char *
collet_human_dup_hash (const char *sha256)
{
  return *sha256 == '\0' ? g_strdup ("-") : g_strndup (sha256, 12);
}
