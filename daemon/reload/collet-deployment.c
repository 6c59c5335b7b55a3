/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-deployment.h"

#include "collet-error.h"

/* Calls that may wait while a module is quiesced; past it they are Overloaded. */
#define MAX_WAITING 65536

struct _ColletDeployment
{
  GObject parent_instance;
  char *module;
  ColletSlot *slot;
  ColletGeneration *published;
  ColletGeneration *candidate;
  ColletHostKind kind;
  GArray *leaving; /* ColletLeaving */
  ColletDrainState drain;
  gint64 drain_deadline_at;
  gint64 state_saved_at;
  gint64 restored_at, restored_age_us;
  ColletGeneration *warm;
  ColletHostKind warm_kind, former_kind;
  gint64 trial_ends_at;
  guint64 former_crashes; /* of generations that are gone */
  char *reload;
  GPtrArray *resident; /* char *, NULL-terminated */
};

G_DEFINE_FINAL_TYPE (ColletDeployment, collet_deployment, G_TYPE_OBJECT)

static guint changed_signal;
static guint n_resident; /* atomic; of all modules */
static guint crashed_signal;

static void
collet_deployment_finalize (GObject *object)
{
  ColletDeployment *self = COLLET_DEPLOYMENT (object);

  g_clear_object (&self->published);
  g_clear_object (&self->warm);
  g_array_unref (self->leaving);
  g_clear_object (&self->candidate);
  g_clear_pointer (&self->slot, collet_slot_unref);
  g_free (self->module);
  g_free (self->reload);
  g_ptr_array_unref (self->resident);
  G_OBJECT_CLASS (collet_deployment_parent_class)->finalize (object);
}

static void
collet_deployment_class_init (ColletDeploymentClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_deployment_finalize;
  crashed_signal = g_signal_new ("crashed", COLLET_TYPE_DEPLOYMENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 3, COLLET_TYPE_GENERATION, G_TYPE_ERROR, G_TYPE_BOOLEAN);
  changed_signal = g_signal_new ("changed", COLLET_TYPE_DEPLOYMENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 0);
}

static void
collet_deployment_init (ColletDeployment *self)
{
  self->resident = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->resident, NULL);
  self->leaving = g_array_new (FALSE, FALSE, sizeof (ColletLeaving));
}

ColletDeployment *
collet_deployment_new (const char *module)
{
  ColletDeployment *self = g_object_new (COLLET_TYPE_DEPLOYMENT, NULL);

  self->module = g_strdup (module);
  self->slot = collet_slot_new (module, MAX_WAITING);
  return self;
}

const char *
collet_deployment_get_module (ColletDeployment *self)
{
  return self->module;
}

ColletSlot *
collet_deployment_get_slot (ColletDeployment *self)
{
  return self->slot;
}

ColletGeneration *
collet_deployment_get_published (ColletDeployment *self)
{
  return self->published;
}

ColletHostKind
collet_deployment_get_host_kind (ColletDeployment *self)
{
  return self->kind;
}

guint
collet_deployment_get_live (ColletDeployment *self)
{
  return self->leaving->len + (self->warm != NULL ? 1 : 0) + (self->published != NULL ? 1 : 0);
}

ColletGeneration *
collet_deployment_get_candidate (ColletDeployment *self)
{
  return self->candidate;
}

void
collet_deployment_set_candidate (ColletDeployment *self, ColletGeneration *candidate)
{
  if (g_set_object (&self->candidate, candidate))
    g_signal_emit (self, changed_signal, 0);
}

guint64
collet_deployment_get_crashes (ColletDeployment *self)
{
  ColletGenerationStats stats = { 0 };

  if (self->published != NULL)
    collet_generation_get_stats (self->published, &stats);
  return self->former_crashes + stats.crashes;
}

gint64
collet_deployment_get_state_saved_at (ColletDeployment *self)
{
  return self->state_saved_at;
}

void
collet_deployment_set_state_saved_at (ColletDeployment *self, gint64 at)
{
  self->state_saved_at = at;
}

void
collet_deployment_set_trial (ColletDeployment *self, ColletGeneration *warm, gint64 ends_at)
{
  g_set_object (&self->warm, warm);
  self->warm_kind = self->former_kind;
  self->trial_ends_at = ends_at;
  g_signal_emit (self, changed_signal, 0);
}

gint64
collet_deployment_get_trial_ends_at (ColletDeployment *self)
{
  return self->trial_ends_at;
}

gboolean
collet_deployment_has_warm (ColletDeployment *self, const ColletVersion *version)
{
  ColletGenerationState state;

  if (self->warm == NULL ||
      !g_str_equal (collet_generation_get_spec (self->warm)->version->sha256, version->sha256))
    return FALSE;
  state = collet_generation_get_state (self->warm);
  return state == COLLET_GENERATION_READY || state == COLLET_GENERATION_COLD;
}

ColletGeneration *
collet_deployment_take_warm (ColletDeployment *self, const ColletVersion *version, ColletHostKind kind)
{
  if (!collet_deployment_has_warm (self, version) || self->warm_kind != kind)
    return NULL;
  return g_steal_pointer (&self->warm);
}

gint64
collet_deployment_get_state_restored_at (ColletDeployment *self, gint64 *age_us)
{
  *age_us = self->restored_age_us;
  return self->restored_at;
}

void
collet_deployment_set_state_restored (ColletDeployment *self, gint64 at, gint64 age_us)
{
  self->restored_at = at;
  self->restored_age_us = age_us;
  g_signal_emit (self, changed_signal, 0);
}

static void
on_crashed (ColletGeneration *generation, const GError *error, gboolean will_restart, gpointer data)
{
  ColletDeployment *self = data;

  if (generation == self->published)
    g_signal_emit (self, crashed_signal, 0, generation, error, will_restart);
}

static void
on_refused (ColletGeneration *generation, gpointer data)
{
  g_signal_emit (data, changed_signal, 0);
}

ColletGeneration *
collet_deployment_publish (ColletDeployment *self, ColletGeneration *next, ColletHostKind kind)
{
  g_autoptr (ColletGeneration) former = collet_slot_publish (self->slot, next);

  if (self->published != NULL)
    {
      g_signal_handlers_disconnect_by_func (self->published, on_crashed, self);
      g_signal_handlers_disconnect_by_func (self->published, on_refused, self);
    }
  g_set_object (&self->published, next);
  if (next != NULL)
    {
      g_signal_connect_object (next, "crashed", G_CALLBACK (on_crashed), self, 0);
      g_signal_connect_object (next, "refused", G_CALLBACK (on_refused), self, 0);
    }
  self->restored_at = self->restored_age_us = 0;
  self->former_kind = self->kind;
  if (next == NULL && self->drain != COLLET_DRAIN_NONE)
    {
      self->drain = COLLET_DRAIN_NONE;
      collet_slot_refuse (self->slot, NULL);
    }
  self->kind = kind;
  g_signal_emit (self, changed_signal, 0);
  return g_steal_pointer (&former);
}

/* ---- drain ---- */

static GError *
make_refusal (ColletDeployment *self)
{
  if (self->drain == COLLET_DRAIN_UNDER_WAY)
    return g_error_new (
        COLLET_ERROR, COLLET_ERROR_MODULE_DRAINED,
        "Module \"%s\" is being taken out of service; the call did not begin. Call again in a "
        "few seconds.",
        self->module);
  return g_error_new (COLLET_ERROR, COLLET_ERROR_MODULE_DRAINED,
                      "Module \"%s\" is out of service for maintenance; the call did not begin. Call again "
                      "later; an administrator resumes it.",
                      self->module);
}

void
collet_deployment_set_drain (ColletDeployment *self, ColletDrainState state, gint64 deadline_at)
{
  g_autoptr (GError) refusal = NULL;

  self->drain = state;
  self->drain_deadline_at = deadline_at;
  if (state != COLLET_DRAIN_NONE)
    refusal = make_refusal (self);
  collet_slot_refuse (self->slot, refusal);
  g_signal_emit (self, changed_signal, 0);
}

ColletDrainState
collet_deployment_get_drain (ColletDeployment *self)
{
  return self->drain;
}

gint64
collet_deployment_get_drain_deadline (ColletDeployment *self)
{
  return self->drain_deadline_at;
}

const GArray *
collet_deployment_get_leaving (ColletDeployment *self)
{
  return self->leaving;
}

const char *
collet_deployment_get_reload (ColletDeployment *self)
{
  return self->reload;
}

void
collet_deployment_set_reload (ColletDeployment *self, const char *id)
{
  if (g_strcmp0 (self->reload, id) == 0)
    return;
  g_free (self->reload);
  self->reload = g_strdup (id);
  g_signal_emit (self, changed_signal, 0);
}

/* ---- retirement ---- */

const char *const *
collet_deployment_get_resident (ColletDeployment *self)
{
  return (const char *const *)self->resident->pdata;
}

guint
collet_deployment_count_resident (void)
{
  return (guint)g_atomic_int_get (&n_resident);
}

static void
note_resident (ColletDeployment *self, ColletGeneration *generation)
{
  const char *sha256 = collet_generation_get_spec (generation)->version->sha256;

  if (g_strv_contains (collet_deployment_get_resident (self), sha256))
    return;
  g_ptr_array_insert (self->resident, 0, g_strdup (sha256));
  g_atomic_int_inc (&n_resident);
}

static void
forget_leaving (ColletDeployment *self, ColletGeneration *generation)
{
  for (guint i = 0; i < self->leaving->len; i++)
    {
      if (g_array_index (self->leaving, ColletLeaving, i).generation != generation)
        continue;
      g_array_remove_index (self->leaving, i);
      collet_slot_forget_leaving (self->slot, generation);
      g_object_unref (generation);
      return;
    }
}

static void
on_retired (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  ColletDeployment *self = g_task_get_source_object (task);
  ColletRetirement *retirement = g_new (ColletRetirement, 1);

  *retirement = collet_generation_retire_finish (COLLET_GENERATION (object), result);
  forget_leaving (self, COLLET_GENERATION (object));
  if (!retirement->unloaded)
    note_resident (self, COLLET_GENERATION (object));
  g_signal_emit (self, changed_signal, 0);
  g_task_return_pointer (task, retirement, g_free);
}

void
collet_deployment_retire_async (ColletDeployment *self, ColletGeneration *former, guint deadline_ms,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  ColletGenerationStats stats;
  ColletLeaving leaving = { g_object_ref (former),
                            deadline_ms > 0 ? g_get_real_time () + (gint64)deadline_ms * 1000 : 0 };

  collet_generation_get_stats (former, &stats);
  self->former_crashes += stats.crashes;
  g_array_append_val (self->leaving, leaving);
  g_signal_emit (self, changed_signal, 0);
  collet_generation_retire_async (former, deadline_ms, NULL, on_retired,
                                  g_task_new (self, NULL, callback, user_data));
}

ColletRetirement
collet_deployment_retire_finish (ColletDeployment *self, GAsyncResult *result)
{
  g_autofree ColletRetirement *retirement = g_task_propagate_pointer (G_TASK (result), NULL);

  return *retirement;
}
