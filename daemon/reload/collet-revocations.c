/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-revocations.h"

#include "collet-reloader-private.h"
#include "collet-store-key.h"

#define SETTLE_MS 100 /* after a change: a key that is being copied */

struct _ColletRevocations
{
  ColletReloader *reloader;
  GFileMonitor *monitor; /* NULL: changes are not told */
  guint soon;
  gboolean is_looking;
  gboolean is_stale; /* something changed while it looked */
  gboolean is_gone;  /* freed by the last answer */
};

static void
let_go (ColletRevocations *self)
{
  g_object_unref (self->reloader);
  g_free (self);
}

/* What serves goes on: an outage would be the attacker's gain. */
static void
warn (ColletReloader *reloader)
{
  GListModel *modules = collet_registry_get_modules (reloader->registry);

  for (guint i = 0; i < g_list_model_get_n_items (modules); i++)
    {
      g_autoptr (ColletModule) module = g_list_model_get_item (modules, i);
      const ColletModuleFacts *facts = collet_module_get_facts (module);

      if (collet_reloader_is_revoked (reloader, facts->version))
        g_warning (
            "%s %s is served, and the key that signed it, %s, was revoked. Reload it with a version that "
            "a trusted key signed, or unload it.",
            facts->name, facts->version->semver,
            facts->version->signer != NULL ? facts->version->signer : facts->version->key_id);
    }
}

static gboolean
is_equal (GHashTable *a, GHashTable *b)
{
  GHashTableIter iter;
  gpointer id;

  if (g_hash_table_size (a) != g_hash_table_size (b))
    return FALSE;
  g_hash_table_iter_init (&iter, a);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    {
      if (!g_hash_table_contains (b, id))
        return FALSE;
    }
  return TRUE;
}

static void
on_stored (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!collet_store_set_revoked_keys_finish (COLLET_STORE (object), result, &error))
    g_warning ("Which keys are revoked is not in the database: %s", error->message);
}

static void
take (ColletReloader *reloader, GHashTable *ids)
{
  gboolean is_first = reloader->revoked == NULL;

  if (!is_first && is_equal (ids, reloader->revoked))
    return;
  g_clear_pointer (&reloader->revoked, g_hash_table_unref);
  reloader->revoked = g_hash_table_ref (ids);
  warn (reloader);
  collet_store_set_revoked_keys_async (reloader->store, ids, on_stored, NULL);
  g_signal_emit_by_name (reloader, "revocations-changed");
}

static void
on_listed (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletRevocations *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) ids = collet_loader_list_revoked_finish (COLLET_LOADER (object), result, &error);

  self->is_looking = FALSE;
  if (self->is_gone)
    {
      let_go (self);
      return;
    }
  if (ids != NULL)
    take (self->reloader, ids);
  else
    g_warning ("%s", error->message);
  if (self->is_stale)
    collet_revocations_look (self);
}

void
collet_revocations_look (ColletRevocations *self)
{
  self->is_stale = self->is_looking;
  if (self->is_looking)
    return;
  self->is_looking = TRUE;
  collet_loader_list_revoked_async (self->reloader->loader, on_listed, self);
}

static gboolean
on_settled (gpointer data)
{
  ColletRevocations *self = data;

  self->soon = 0;
  collet_revocations_look (self);
  return G_SOURCE_REMOVE;
}

static void
on_changed (GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event, gpointer data)
{
  ColletRevocations *self = data;

  if (self->soon == 0)
    self->soon = g_timeout_add (SETTLE_MS, on_settled, self);
}

ColletRevocations *
collet_revocations_new (ColletReloader *reloader, const char *keys)
{
  ColletRevocations *self = g_new0 (ColletRevocations, 1);
  g_autoptr (GFile) folder = keys != NULL ? g_file_new_for_path (keys) : NULL;
  g_autoptr (GError) error = NULL;

  self->reloader = g_object_ref (reloader);
  if (folder != NULL)
    self->monitor = g_file_monitor_directory (folder, G_FILE_MONITOR_WATCH_MOVES, NULL, &error);
  if (self->monitor != NULL)
    g_signal_connect (self->monitor, "changed", G_CALLBACK (on_changed), self);
  else if (folder != NULL)
    g_warning ("Changes of the keys in %s are only seen when one is needed, and at SIGHUP: %s", keys,
               error->message);
  collet_revocations_look (self);
  return self;
}

void
collet_revocations_free (ColletRevocations *self)
{
  g_clear_object (&self->monitor);
  g_clear_handle_id (&self->soon, g_source_remove);
  if (self->is_looking)
    self->is_gone = TRUE;
  else
    let_go (self);
}
