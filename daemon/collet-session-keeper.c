/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-session-keeper.h"

#include "collet-rows.h"

/* While the daemon runs, the server ends idle sessions. This is for one that was
 * stopped: longer than any maintenance, but not for ever. */
#define KEPT_US (24 * 60 * 60 * (gint64)G_USEC_PER_SEC)

struct _ColletSessionKeeper
{
  ColletSessionStore base;
  ColletStore *store;
};

static void
save (ColletSessionStore *base, const ColletSessionRecord *record)
{
  ColletSessionRow *row = collet_session_row_new ();

  row->id = g_strdup (record->id);
  row->revision = g_strdup (record->revision);
  row->client = g_strdup (record->client);
  row->questions = record->questions;
  row->log_level = record->log_level;
  row->seen = record->seen;
  row->used_at = record->used_us;
  collet_store_save_session (((ColletSessionKeeper *)base)->store, row);
}

static void
forget (ColletSessionStore *base, const char *id)
{
  collet_store_remove_session (((ColletSessionKeeper *)base)->store, id);
}

ColletSessionKeeper *
collet_session_keeper_new (ColletStore *store)
{
  static const ColletSessionStoreClass class_ = { .save = save, .remove = forget };
  ColletSessionKeeper *self = g_new0 (ColletSessionKeeper, 1);

  self->base.class_ = &class_;
  self->store = g_object_ref (store);
  return self;
}

void
collet_session_keeper_free (ColletSessionKeeper *self)
{
  g_object_unref (self->store);
  g_free (self);
}

ColletSessionStore *
collet_session_keeper_get_store (ColletSessionKeeper *self)
{
  return &self->base;
}

void
collet_session_keeper_import (ColletSessionKeeper *self, GPtrArray *sessions, ColletMcpServer *server)
{
  collet_store_drop_sessions (self->store, sessions, g_get_real_time () - KEPT_US);
  for (guint i = 0; i < sessions->len; i++)
    {
      const ColletSessionRow *row = sessions->pdata[i];
      const ColletSessionRecord record = {
        .id = row->id,
        .revision = row->revision,
        .client = row->client,
        .questions = row->questions,
        .log_level = row->log_level,
        .seen = row->seen,
        .used_us = row->used_at,
      };

      if (!collet_mcp_server_import_session (server, &record))
        collet_store_remove_session (self->store, row->id);
    }
}
