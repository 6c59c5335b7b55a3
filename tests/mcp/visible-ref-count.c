/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Linked under the thread sanitizer only: GLib's reference counts are functions
 * of a library that it does not see into, so it takes what they order for races.
 * These are the same, where it can see them.
 */
#include <glib.h>

/* GLib has macros of the same names. */
#undef g_atomic_ref_count_init
#undef g_atomic_ref_count_inc
#undef g_atomic_ref_count_dec

void
g_atomic_ref_count_init (gatomicrefcount *count)
{
  __atomic_store_n (count, 1, __ATOMIC_RELEASE);
}

void
g_atomic_ref_count_inc (gatomicrefcount *count)
{
  __atomic_add_fetch (count, 1, __ATOMIC_ACQ_REL);
}

gboolean
g_atomic_ref_count_dec (gatomicrefcount *count)
{
  return __atomic_sub_fetch (count, 1, __ATOMIC_ACQ_REL) == 0;
}
