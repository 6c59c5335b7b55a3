/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-clock.h: the monotonic clock for what happens at every call. */
#pragma once

#include <glib.h>
#include <time.h>

/* Microseconds, of the same clock as g_get_monotonic_time() and up to ten milliseconds
 * behind it, for a fifth of its price: for limits of seconds. */
static inline gint64
collet_clock_get_coarse (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC_COARSE, &now);
  return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}
