/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-prepared.h"

#include <unistd.h>

#include "collet-error.h"
#include "collet-reloader-private.h"

/* ---- prepare ---- */

typedef struct
{
  ColletReload *reload;
  gulong handlers[2];
} Preparation;

static void
preparation_free (Preparation *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->handlers); i++)
    g_clear_signal_handler (&self->handlers[i], self->reload);
  g_clear_object (&self->reload);
  g_free (self);
}

static void
answer_if_known (GTask *task)
{
  Preparation *self = g_task_get_task_data (task);
  const GError *error = collet_reload_get_error (self->reload);

  if (!collet_reload_is_prepared (self->reload) && !collet_reload_is_decided (self->reload) &&
      !collet_reload_is_finished (self->reload))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (self->handlers); i++)
    g_clear_signal_handler (&self->handlers[i], self->reload);
  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_pointer (task, g_object_ref (self->reload), g_object_unref);
  g_object_unref (task);
}

static void
on_changed (ColletReload *reload, gpointer task)
{
  answer_if_known (task);
}

static void
on_submitted (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Preparation *self = g_task_get_task_data (task);
  GError *error = NULL;

  self->reload = collet_reloader_submit_finish (COLLET_RELOADER (object), result, &error);
  if (self->reload == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  self->handlers[0] = g_signal_connect (self->reload, "changed", G_CALLBACK (on_changed), task);
  self->handlers[1] = g_signal_connect (self->reload, "finished", G_CALLBACK (on_changed), task);
  answer_if_known (task);
}

void
collet_reloader_prepare_async (ColletReloader *reloader, ColletReloadRequest *request,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (reloader, NULL, callback, user_data);

  g_return_if_fail (request->is_prepare);

  g_task_set_task_data (task, g_new0 (Preparation, 1), (GDestroyNotify)preparation_free);
  collet_reloader_submit_async (reloader, request, on_submitted, task);
}

ColletReload *
collet_reloader_prepare_finish (ColletReloader *reloader, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- finding it ---- */

static const ColletReloadItem *
find_item (ColletReload *reload, const char *module)
{
  GPtrArray *items = collet_reload_get_items (reload);

  for (guint i = 0; i < items->len; i++)
    {
      const ColletReloadItem *item = items->pdata[i];

      if (g_str_equal (item->module, module))
        return item;
    }
  return NULL;
}

/* Why there is nothing to commit. The newest prepare of that version knows, as
 * long as its object is there. */
static GError *
explain_absence (ColletReloader *reloader, const char *module, const char *selector)
{
  GListModel *reloads = G_LIST_MODEL (reloader->reloads);

  for (guint i = g_list_model_get_n_items (reloads); i-- > 0;)
    {
      g_autoptr (ColletReload) reload = g_list_model_get_item (reloads, i);
      const ColletReloadItem *item = find_item (reload, module);
      const GError *error = collet_reload_get_error (reload);

      if (!collet_reload_get_request (reload)->is_prepare || item == NULL || item->to == NULL ||
          !collet_version_matches (item->to, selector))
        continue;
      if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_PREPARE_EXPIRED))
        return g_error_copy (error);
      if (error != NULL)
        return g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_PREPARED,
                            "Version %.12s of module \"%s\" is no longer prepared (%s). Prepare it again.",
                            item->to->sha256, module, error->message);
      break;
    }
  return g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_PREPARED,
                      "No version of module \"%s\" is prepared here. Prepare one first.", module);
}

ColletReload *
collet_reloader_find_prepared (ColletReloader *reloader, const char *module, const char *selector,
                               GError **error)
{
  ColletReload *holder = g_hash_table_lookup (reloader->locks, module);
  const ColletReloadItem *item = holder != NULL ? find_item (holder, module) : NULL;

  if (item == NULL || item->to == NULL || !collet_reload_get_request (holder)->is_prepare)
    {
      g_propagate_error (error, explain_absence (reloader, module, selector));
      return NULL;
    }
  if (!collet_version_matches (item->to, selector))
    {
      g_set_error (
          error, COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH,
          "Version %.12s of module \"%s\" is prepared, not \"%s\". Name the prepared one, or give it "
          "up and prepare the other.",
          item->to->sha256, module, selector);
      return NULL;
    }
  if (!collet_reload_is_prepared (holder) && !collet_reload_is_decided (holder))
    {
      gboolean is_over = g_str_equal (collet_reload_get_phase (holder), "prepared");

      g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_PREPARED,
                   is_over ? "Version %.12s of module \"%s\" is being given up (reload %s). Prepare it again."
                           : "Version %.12s of module \"%s\" is not prepared yet (reload %s). Wait until its "
                             "phase is \"prepared\".",
                   item->to->sha256, module, collet_reload_get_id (holder));
      return NULL;
    }
  return holder;
}

ColletToolEntry *
collet_reloader_dup_prepared_tool (ColletReloader *reloader, const char *module, const char *selector,
                                   const char *tool, GError **error)
{
  ColletReload *reload = collet_reloader_find_prepared (reloader, module, selector, error);
  const ColletReloadItem *item = reload != NULL ? find_item (reload, module) : NULL;

  if (item == NULL)
    return NULL;
  if (!collet_reload_is_prepared (reload))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_PREPARED,
                   "Version %.12s of module \"%s\" is being committed. Call its tools as usual.",
                   item->to->sha256, module);
      return NULL;
    }
  return collet_reload_item_dup_tool (item, tool, error);
}

/* ---- the word ---- */

gboolean
collet_reload_check_decider (ColletReload *self, gint64 uid, GError **error)
{
  const ColletReloadRequest *request = collet_reload_get_request (self);

  if (request->decided_by != NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
                   "What becomes of prepared reload %s is decided by %s. Wait for that.",
                   collet_reload_get_id (self), request->decided_by);
      return FALSE;
    }
  if (uid == request->uid || uid == 0 || uid == (gint64)getuid ())
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
               "Prepared reload %s belongs to uid %" G_GINT64_FORMAT ", not to uid %" G_GINT64_FORMAT
               ". Ask as its owner, or as root.",
               collet_reload_get_id (self), request->uid, uid);
  return FALSE;
}

void
collet_reload_commit (ColletReload *self, gint64 uid, const char *reason)
{
  collet_reload_decide (self, uid, reason, NULL);
}

void
collet_reload_abandon (ColletReload *self, gint64 uid, const char *reason)
{
  g_autofree char *who = uid < 0 ? g_strdup ("the daemon") : g_strdup_printf ("uid %" G_GINT64_FORMAT, uid);
  g_autofree char *why = reason != NULL ? g_strdup_printf (" (%s)", reason) : g_strdup ("");

  collet_reload_decide (
      self, uid, reason,
      g_error_new (COLLET_ERROR, COLLET_ERROR_CANCELLED,
                   "The prepared version was given up by %s%s; what ran goes on. Prepare it "
                   "again if it is wanted.",
                   who, why));
}
