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

void
collet_transaction_try (ColletTransaction *self, GPtrArray *items)
{
  ColletReloadItem *item = items->pdata[0];

  if (item->old == NULL)
    {
      collet_reload_set_note (self->reload,
                              "There was no version before to go back to, so it had no trial window.");
      return;
    }
  collet_failpoint ("reload-on-trial");
  collet_trial_window_open (self->reloader, self->reload, !collet_reload_item_was_stateful (item),
                            on_trial_over, collet_transaction_hold (self, item));
  if (collet_reload_item_was_stateful (item))
    collet_transaction_retire (self, item);
}
