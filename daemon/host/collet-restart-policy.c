/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-restart-policy.h"

#define FIRST_DELAY_US 10000
#define MAX_DELAY_US (5 * G_USEC_PER_SEC)

void
collet_restart_policy_init (ColletRestartPolicy *policy, guint burst, guint window_s)
{
  policy->burst = burst;
  policy->window_us = (gint64)window_s * G_USEC_PER_SEC;
  policy->deaths = g_array_new (FALSE, FALSE, sizeof (gint64));
}

void
collet_restart_policy_clear (ColletRestartPolicy *policy)
{
  g_clear_pointer (&policy->deaths, g_array_unref);
}

gint64
collet_restart_policy_count_death (ColletRestartPolicy *policy, gint64 now)
{
  guint shift;

  while (policy->deaths->len > 0 && g_array_index (policy->deaths, gint64, 0) <= now - policy->window_us)
    g_array_remove_index (policy->deaths, 0);
  g_array_append_val (policy->deaths, now);
  if (policy->deaths->len >= policy->burst)
    return -1;
  shift = MIN (policy->deaths->len - 1, 20);
  return MIN ((gint64)FIRST_DELAY_US << shift, MAX_DELAY_US);
}

guint
collet_restart_policy_get_deaths (const ColletRestartPolicy *policy)
{
  return policy->deaths->len;
}

void
collet_restart_policy_reset (ColletRestartPolicy *policy)
{
  g_array_set_size (policy->deaths, 0);
}
