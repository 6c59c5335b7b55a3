/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-applier.h"

typedef struct
{
  ColletClusterClock base;
  guint source;
} Clock;

static gint64
clock_now (ColletClusterClock *self)
{
  return g_get_monotonic_time ();
}

static gint64
clock_real_time (ColletClusterClock *self)
{
  return g_get_real_time ();
}

static gboolean
on_due (gpointer data)
{
  Clock *self = data;

  self->source = 0;
  self->base.fire (self->base.user_data);
  return G_SOURCE_REMOVE;
}

static void
clock_wake (ColletClusterClock *base, gint64 delay_us)
{
  Clock *self = (Clock *)base;

  g_clear_handle_id (&self->source, g_source_remove);
  if (delay_us >= 0)
    self->source = g_timeout_add ((guint)((delay_us + 999) / 1000), on_due, self);
}

ColletClusterClock *
collet_cluster_clock_new (void)
{
  static const ColletClusterClockClass class_ = {
    .now = clock_now,
    .real_time = clock_real_time,
    .wake = clock_wake,
  };
  Clock *self = g_new0 (Clock, 1);

  self->base.class_ = &class_;
  return &self->base;
}

void
collet_cluster_clock_free (ColletClusterClock *self)
{
  clock_wake (self, -1);
  g_free (self);
}
