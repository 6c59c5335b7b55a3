/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-tool-counter.h"

#include <stdatomic.h>

struct _ColletToolCounter
{
  gint ref_count;
  _Atomic guint64 calls;
  _Atomic guint64 errors;
  _Atomic guint64 former;
};

ColletToolCounter *
collet_tool_counter_new (void)
{
  ColletToolCounter *counter = g_new0 (ColletToolCounter, 1);

  counter->ref_count = 1;
  return counter;
}

ColletToolCounter *
collet_tool_counter_ref (ColletToolCounter *counter)
{
  g_atomic_int_inc (&counter->ref_count);
  return counter;
}

void
collet_tool_counter_unref (ColletToolCounter *counter)
{
  if (g_atomic_int_dec_and_test (&counter->ref_count))
    g_free (counter);
}

void
collet_tool_counter_add (ColletToolCounter *counter, gboolean is_error)
{
  atomic_fetch_add_explicit (&counter->calls, 1, memory_order_relaxed);
  if (is_error)
    atomic_fetch_add_explicit (&counter->errors, 1, memory_order_relaxed);
}

void
collet_tool_counter_get (ColletToolCounter *counter, guint64 *calls, guint64 *errors)
{
  *calls = atomic_load_explicit (&counter->calls, memory_order_relaxed);
  *errors = atomic_load_explicit (&counter->errors, memory_order_relaxed);
}

void
collet_tool_counter_add_former (ColletToolCounter *counter)
{
  atomic_fetch_add_explicit (&counter->former, 1, memory_order_relaxed);
}

guint64
collet_tool_counter_get_former (ColletToolCounter *counter)
{
  return atomic_load_explicit (&counter->former, memory_order_relaxed);
}
