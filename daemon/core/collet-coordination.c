/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-coordination.h"

void
collet_coordination_txn (ColletCoordination *self, const ColletTxn *txn, ColletTxnDone done,
                         gpointer user_data)
{
  self->class_->txn (self, txn, done, user_data);
}

void
collet_coordination_range (ColletCoordination *self, const char *prefix, ColletTxnDone done,
                           gpointer user_data)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  collet_txn_range (txn, prefix);
  self->class_->txn (self, txn, done, user_data);
}

guint
collet_coordination_watch (ColletCoordination *self, const char *prefix, gint64 from_revision,
                           ColletWatchEvent event, gpointer user_data)
{
  return self->class_->watch (self, prefix, from_revision, event, user_data);
}

void
collet_coordination_unwatch (ColletCoordination *self, guint id)
{
  self->class_->unwatch (self, id);
}

void
collet_coordination_open_session (ColletCoordination *self, guint ttl_s, ColletSessionEvent event,
                                  gpointer user_data)
{
  self->class_->open_session (self, ttl_s, event, user_data);
}

void
collet_coordination_get_status (ColletCoordination *self, ColletCoordinationStatus *status)
{
  self->class_->get_status (self, status);
}

void
collet_coordination_status_clear (ColletCoordinationStatus *status)
{
  g_clear_pointer (&status->store_id, g_free);
  g_clear_pointer (&status->message, g_free);
}

void
collet_coordination_free (ColletCoordination *self)
{
  if (self != NULL)
    self->class_->free (self);
}
