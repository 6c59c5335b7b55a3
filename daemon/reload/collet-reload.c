/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-reload.h"

#include "collet-error-remedy.h"

struct _ColletReload
{
  GObject parent_instance;
  char *id;
  ColletReloadRequest *request;
  GPtrArray *items;
  ColletReloadState state;
  const char *phase;
  double progress;
  GError *error;
  char *note;
  GCancellable *cancellable;
  gint64 started_at;
  gint64 finished_at;
  gint64 began_us; /* monotonic */
  gint64 duration_us;
  gboolean is_committing;
  gboolean is_finished;
  ColletReloadDecided decided; /* while it is prepared */
  gpointer decided_data;
  gint64 expires_at;
  gint64 trial_ends_at;
  gboolean is_decided;
  gint64 decider;
  char *decision; /* why */
};

G_DEFINE_FINAL_TYPE (ColletReload, collet_reload, G_TYPE_OBJECT)

static guint changed_signal;
static guint finished_signal;

const char *
collet_reload_state_to_string (ColletReloadState state)
{
  static const char *const names[] = {
    [COLLET_RELOAD_RUNNING] = "running",     [COLLET_RELOAD_COMMITTED] = "committed",
    [COLLET_RELOAD_SUCCEEDED] = "succeeded", [COLLET_RELOAD_FAILED] = "failed",
    [COLLET_RELOAD_CANCELLED] = "cancelled", [COLLET_RELOAD_INTERRUPTED] = "interrupted",
  };

  return names[state];
}

static void
enter_state (ColletReload *self, ColletReloadState next)
{
  static const gboolean allowed[][COLLET_RELOAD_INTERRUPTED + 1] = {
    [COLLET_RELOAD_RUNNING] = { [COLLET_RELOAD_COMMITTED] = TRUE,
                                [COLLET_RELOAD_FAILED] = TRUE,
                                [COLLET_RELOAD_CANCELLED] = TRUE,
                                [COLLET_RELOAD_INTERRUPTED] = TRUE },
    [COLLET_RELOAD_COMMITTED] = { [COLLET_RELOAD_SUCCEEDED] = TRUE, [COLLET_RELOAD_FAILED] = TRUE },
    [COLLET_RELOAD_SUCCEEDED] = { FALSE },
    [COLLET_RELOAD_FAILED] = { FALSE },
    [COLLET_RELOAD_CANCELLED] = { FALSE },
    [COLLET_RELOAD_INTERRUPTED] = { FALSE },
  };

  g_assert (allowed[self->state][next]);
  self->state = next;
}

ColletReloadItem *
collet_reload_item_new (const char *module)
{
  ColletReloadItem *item = g_new0 (ColletReloadItem, 1);

  item->module = g_strdup (module);
  item->pause_us = -1;
  return item;
}

void
collet_reload_item_free (ColletReloadItem *item)
{
  g_free (item->module);
  g_clear_pointer (&item->from, collet_version_unref);
  g_clear_pointer (&item->to, collet_version_unref);
  g_clear_pointer (&item->manifest, collet_manifest_unref);
  g_free (item->path);
  g_strfreev (item->differences);
  g_clear_object (&item->deployment);
  g_clear_object (&item->old);
  g_clear_object (&item->next);
  g_clear_pointer (&item->trial, collet_slot_unref);
  g_clear_pointer (&item->fallback, g_bytes_unref);
  g_clear_pointer (&item->copy, g_bytes_unref);
  g_clear_pointer (&item->before, g_bytes_unref);
  g_clear_pointer (&item->pristine, g_bytes_unref);
  g_clear_pointer (&item->smoke_cases, g_array_unref);
  g_clear_pointer (&item->set_tests, g_ptr_array_unref);
  g_clear_pointer (&item->after, g_bytes_unref);
  g_free (item);
}

static void
collet_reload_finalize (GObject *object)
{
  ColletReload *self = COLLET_RELOAD (object);

  g_free (self->id);
  collet_reload_request_free (self->request);
  g_ptr_array_unref (self->items);
  g_clear_error (&self->error);
  g_free (self->note);
  g_free (self->decision);
  g_object_unref (self->cancellable);
  G_OBJECT_CLASS (collet_reload_parent_class)->finalize (object);
}

static void
collet_reload_class_init (ColletReloadClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_reload_finalize;
  changed_signal =
      g_signal_new ("changed", COLLET_TYPE_RELOAD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  finished_signal =
      g_signal_new ("finished", COLLET_TYPE_RELOAD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
collet_reload_init (ColletReload *self)
{
  self->id = g_strdup_printf ("%08x%08x", g_random_int (), g_random_int ());
  self->cancellable = g_cancellable_new ();
  self->started_at = g_get_real_time ();
  self->began_us = g_get_monotonic_time ();
  self->phase = "preflight";
  self->decider = -1;
}

ColletReload *
collet_reload_new (ColletReloadRequest *request, GPtrArray *items)
{
  ColletReload *self = g_object_new (COLLET_TYPE_RELOAD, NULL);

  self->request = request;
  self->items = items;
  if (request->id != NULL)
    {
      g_free (self->id);
      self->id = g_strdup (request->id);
    }
  return self;
}

const char *
collet_reload_get_id (ColletReload *self)
{
  return self->id;
}

const ColletReloadRequest *
collet_reload_get_request (ColletReload *self)
{
  return self->request;
}

GPtrArray *
collet_reload_get_items (ColletReload *self)
{
  return self->items;
}

ColletReloadState
collet_reload_get_state (ColletReload *self)
{
  return self->state;
}

const char *
collet_reload_get_phase (ColletReload *self)
{
  return self->phase;
}

double
collet_reload_get_progress (ColletReload *self)
{
  return self->progress;
}

const GError *
collet_reload_get_error (ColletReload *self)
{
  return self->error;
}

gint64
collet_reload_get_trial_ends_at (ColletReload *self)
{
  return self->trial_ends_at;
}

void
collet_reload_set_trial_ends_at (ColletReload *self, gint64 at)
{
  self->trial_ends_at = at;
  g_signal_emit (self, changed_signal, 0);
}

const char *
collet_reload_get_note (ColletReload *self)
{
  return self->note;
}

void
collet_reload_set_note (ColletReload *self, const char *note)
{
  g_free (self->note);
  self->note = g_strdup (note);
}

gint64
collet_reload_get_started_at (ColletReload *self)
{
  return self->started_at;
}

gint64
collet_reload_get_finished_at (ColletReload *self)
{
  return self->finished_at;
}

gint64
collet_reload_get_duration_us (ColletReload *self)
{
  return self->finished_at > 0 ? self->duration_us : g_get_monotonic_time () - self->began_us;
}

gint64
collet_reload_get_pause_us (ColletReload *self)
{
  gint64 longest = -1;

  for (guint i = 0; i < self->items->len; i++)
    longest = MAX (longest, ((ColletReloadItem *)self->items->pdata[i])->pause_us);
  return longest;
}

gboolean
collet_reload_is_finished (ColletReload *self)
{
  return self->is_finished;
}

GCancellable *
collet_reload_get_cancellable (ColletReload *self)
{
  return self->cancellable;
}

static gboolean
is_same_version (const ColletVersion *a, const ColletVersion *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  return g_str_equal (a->sha256, b->sha256);
}

/* Joining a reload is no way around what a request of its own would have to
 * satisfy. */
static gboolean
fits (const ColletReloadItem *item, const ColletReloadRequest *request)
{
  if (request->module != NULL && !g_str_equal (request->module, item->module))
    return FALSE;
  if (item->is_breaking && !request->allow_breaking && request->kind != COLLET_RELOAD_ROLLBACK)
    return FALSE;
  return request->expect_version == NULL ||
         (item->from != NULL && collet_version_matches (item->from, request->expect_version));
}

gboolean
collet_reload_is_same (ColletReload *self, const ColletReloadRequest *request, GPtrArray *items)
{
  if (request->is_prepare != self->request->is_prepare ||
      (request->is_prepare && (request->uid != self->request->uid || request->decided_by != NULL ||
                               self->request->decided_by != NULL)))
    return FALSE; /* what is prepared belongs to one who decides */
  if (g_strcmp0 (request->smoke_text, self->request->smoke_text) != 0 ||
      request->trial_ms != self->request->trial_ms || request->has_grace != self->request->has_grace ||
      request->grace_ms != self->request->grace_ms)
    return FALSE;
  if (request->kind != self->request->kind || request->state_choice != self->request->state_choice ||
      request->state_choice == COLLET_STATE_GIVEN || request->force != self->request->force ||
      g_strcmp0 (request->host, self->request->host) != 0 || items->len != self->items->len)
    return FALSE;

  for (guint i = 0; i < items->len; i++)
    {
      const ColletReloadItem *mine = self->items->pdata[i];
      const ColletReloadItem *other = items->pdata[i];

      if (!g_str_equal (mine->module, other->module) ||
          (!collet_reload_kind_is_service (request->kind) && !is_same_version (mine->to, other->to)) ||
          !fits (mine, request))
        return FALSE;
    }
  return TRUE;
}

static void
add_hash (GPtrArray *hashes, const ColletVersion *version)
{
  g_ptr_array_add (hashes, g_strdup (version->sha256));
}

ColletReloadRequest *
collet_reload_request_new_revert (ColletReload *self, gint64 uid)
{
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_ROLLBACK, uid);
  const ColletReloadItem *first = self->items->pdata[0];

  request->state_choice = COLLET_STATE_AUTO;
  request->reverts = g_strdup (self->id);
  if (self->items->len == 1)
    {
      request->module = g_strdup (first->module);
      request->version = g_strdup (first->from->sha256);
      request->expect_version = g_strdup (first->to->sha256);
      return request;
    }

  GPtrArray *names = g_ptr_array_new (), *targets = g_ptr_array_new (), *expected = g_ptr_array_new ();
  for (guint i = 0; i < self->items->len; i++)
    {
      const ColletReloadItem *item = self->items->pdata[i];

      g_ptr_array_add (names, g_strdup (item->module));
      add_hash (targets, item->from);
      add_hash (expected, item->to);
    }
  g_ptr_array_add (names, NULL);
  g_ptr_array_add (targets, NULL);
  g_ptr_array_add (expected, NULL);
  request->names = (GStrv)g_ptr_array_free (names, FALSE);
  request->targets = (GStrv)g_ptr_array_free (targets, FALSE);
  request->expected = (GStrv)g_ptr_array_free (expected, FALSE);
  return request;
}

gboolean
collet_reload_cancel (ColletReload *self, GError **error)
{
  if (self->decided != NULL)
    {
      collet_reload_decide (self, -1, NULL,
                            g_error_new_literal (COLLET_ERROR, COLLET_ERROR_CANCELLED,
                                                 "Cancelled while it was prepared; nothing was changed."));
      return TRUE;
    }
  if (self->state == COLLET_RELOAD_RUNNING && !self->is_committing)
    {
      g_cancellable_cancel (self->cancellable);
      return TRUE;
    }
  if (self->state == COLLET_RELOAD_CANCELLED)
    return TRUE;
  g_set_error (
      error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
      "Reload %s is %s; it can be cancelled only before its commit point. Roll the module back instead.",
      self->id, self->is_committing ? "being committed" : collet_reload_state_to_string (self->state));
  return FALSE;
}

gboolean
collet_reload_is_prepared (ColletReload *self)
{
  return self->decided != NULL;
}

gboolean
collet_reload_is_decided (ColletReload *self)
{
  return self->is_decided;
}

gint64
collet_reload_get_expires_at (ColletReload *self)
{
  return self->decided != NULL ? self->expires_at : 0;
}

gint64
collet_reload_get_decider (ColletReload *self, const char **reason)
{
  *reason = self->decision;
  return self->decider;
}

void
collet_reload_park (ColletReload *self, gint64 expires_at, ColletReloadDecided decided, gpointer user_data)
{
  g_return_if_fail (self->state == COLLET_RELOAD_RUNNING && self->decided == NULL);

  self->decided = decided;
  self->decided_data = user_data;
  self->expires_at = expires_at;
  g_signal_emit (self, changed_signal, 0);
}

void
collet_reload_decide (ColletReload *self, gint64 uid, const char *reason, GError *error)
{
  ColletReloadDecided decided = g_steal_pointer (&self->decided);

  g_return_if_fail (decided != NULL);

  self->is_decided = error == NULL;
  self->decider = uid;
  self->decision = g_strdup (reason);
  decided (self->decided_data, error);
}

void
collet_reload_enter_phase (ColletReload *self, const char *phase, double progress)
{
  self->phase = phase;
  self->progress = CLAMP (progress, self->progress, 0.99);
  g_signal_emit (self, changed_signal, 0);
}

void
collet_reload_begin_commit (ColletReload *self)
{
  g_return_if_fail (self->state == COLLET_RELOAD_RUNNING);

  self->is_committing = TRUE;
  g_signal_emit (self, changed_signal, 0);
}

gboolean
collet_reload_is_committing (ColletReload *self)
{
  return self->is_committing && self->state == COLLET_RELOAD_RUNNING;
}

void
collet_reload_set_committed (ColletReload *self)
{
  enter_state (self, COLLET_RELOAD_COMMITTED);
  self->is_committing = FALSE;
  g_signal_emit (self, changed_signal, 0);
}

void
collet_reload_conclude (ColletReload *self, GError *error)
{
  gboolean is_cancelled = g_error_matches (error, COLLET_ERROR, COLLET_ERROR_CANCELLED);
  gboolean is_interrupted = g_error_matches (error, COLLET_ERROR, COLLET_ERROR_INTERRUPTED);

  enter_state (self, error == NULL    ? COLLET_RELOAD_SUCCEEDED
                     : is_cancelled   ? COLLET_RELOAD_CANCELLED
                     : is_interrupted ? COLLET_RELOAD_INTERRUPTED
                                      : COLLET_RELOAD_FAILED);
  self->is_committing = FALSE;
  self->error = error != NULL ? collet_error_add_remedy (error) : NULL;
  self->finished_at = g_get_real_time ();
  self->duration_us = g_get_monotonic_time () - self->began_us;
  if (error == NULL)
    self->phase = "done";
}

void
collet_reload_announce (ColletReload *self)
{
  g_return_if_fail (self->state > COLLET_RELOAD_COMMITTED && !self->is_finished);

  self->is_finished = TRUE;
  if (self->error == NULL)
    self->progress = 1.0;
  g_signal_emit (self, changed_signal, 0);
  g_signal_emit (self, finished_signal, 0);
}
