/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The step between publication and drain: the new version is on trial, and the old
 * one stays ready. That of a stateful module does not, since it would take up its
 * state again, and no instance is given a state after it was called; it is started
 * anew if it is needed, from the store.
 */
#include "collet-transaction-private.h"

#include "collet-failpoint.h"
#include "collet-trial-window.h"

static void
on_trial_over (gpointer data, GError *taken_back)
{
  ColletItemOperation *operation = data;

  operation->transaction->taken_back = taken_back;
  collet_transaction_release (operation, NULL);
}

/* Without a version before there would be no way back for all. */
static gboolean
has_way_back (GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    if (((const ColletReloadItem *)items->pdata[i])->old == NULL)
      return FALSE;
  return TRUE;
}

void
collet_transaction_try (ColletTransaction *self, GPtrArray *items)
{
  if (!has_way_back (items))
    {
      collet_reload_set_note (self->reload,
                              "There was no version before to go back to, so it had no trial window.");
      return;
    }
  collet_failpoint ("reload-on-trial");
  collet_trial_window_open (self->reloader, self->reload, on_trial_over,
                            collet_transaction_hold (self, items->pdata[0]));
  for (guint i = 0; i < items->len; i++)
    if (collet_reload_item_was_stateful (items->pdata[i]))
      collet_transaction_retire (self, items->pdata[i]);
}
