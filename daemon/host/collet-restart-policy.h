/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-restart-policy.h: whether and when a worker that died is started again.
 * Pure: the caller has the clock.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint burst; /* so many deaths within the window are too many */
  gint64 window_us;
  GArray *deaths; /* gint64, oldest first; those within the window */
} ColletRestartPolicy;

void collet_restart_policy_init (ColletRestartPolicy *policy, guint burst, guint window_s);
void collet_restart_policy_clear (ColletRestartPolicy *policy);
/* Microseconds to wait (10 ms, doubled with each death within the window, up to
 * 5 s), or -1: not again. */
gint64 collet_restart_policy_count_death (ColletRestartPolicy *policy, gint64 now);
guint collet_restart_policy_get_deaths (const ColletRestartPolicy *policy);
void collet_restart_policy_reset (ColletRestartPolicy *policy);

G_END_DECLS
