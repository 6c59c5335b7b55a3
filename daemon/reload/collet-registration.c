/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-registration.h"

#include "collet-error.h"
#include "collet-reloader-private.h"

typedef enum
{
  REGISTER,
  UNREGISTER,
  UPDATE,
} Kind;

typedef struct
{
  Kind kind;
  char *name;
  char *module;
  char *tool;
  char *metadata;
  char *version;
  gboolean changed;
  guint64 sequence; /* of the tool, after an update */
  ColletRegistryPlan *plan;
} Registration;

static void
registration_free (Registration *self)
{
  g_free (self->name);
  g_free (self->module);
  g_free (self->tool);
  g_free (self->metadata);
  g_free (self->version);
  g_clear_pointer (&self->plan, collet_registry_plan_free);
  g_free (self);
}

static void
note_sequence (ColletReloader *reloader, Registration *self)
{
  ColletTool *tool = collet_registry_find_tool (reloader->registry, self->name);

  self->sequence = tool != NULL ? collet_tool_get_facts (tool)->sequence : 0;
}

static void
on_stored (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  ColletReloader *reloader = g_task_get_source_object (task);
  Registration *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (!collet_store_change_tools_finish (COLLET_STORE (object), result, &error))
    g_task_return_error (task, collet_error_convert (error));
  else
    {
      GPtrArray *updates = collet_store_get_updates (COLLET_STORE (object), result);

      collet_registry_plan_number (self->plan, updates);
      collet_registry_apply (reloader->registry, g_steal_pointer (&self->plan));
      collet_reloader_announce (reloader, updates);
      note_sequence (reloader, self);
      g_task_return_boolean (task, TRUE);
    }
  collet_change_queue_leave (&reloader->changes);
}

static ColletRegistryPlan *
make_plan (ColletReloader *reloader, Registration *self, GError **error)
{
  self->changed = TRUE;
  switch (self->kind)
    {
    case REGISTER:
      return collet_registry_plan_register (reloader->registry, self->name, self->module, self->tool,
                                            self->metadata, g_get_real_time (), error);
    case UNREGISTER:
      return collet_registry_plan_unregister (reloader->registry, self->name, error);
    case UPDATE:
      return collet_registry_plan_version (reloader->registry, self->name, self->version, &self->changed,
                                           error);
    default:
      g_assert_not_reached ();
    }
}

static GPtrArray *
copy_names (GPtrArray *names)
{
  GPtrArray *copy = g_ptr_array_new_full (names->len, g_free);

  for (guint i = 0; i < names->len; i++)
    g_ptr_array_add (copy, g_strdup (names->pdata[i]));
  return copy;
}

static void
on_turn (gpointer data)
{
  g_autoptr (GTask) task = data;
  ColletReloader *reloader = g_task_get_source_object (task);
  Registration *self = g_task_get_task_data (task);
  GError *error = NULL;

  self->plan = make_plan (reloader, self, &error);
  if (self->plan != NULL && self->changed)
    {
      collet_store_change_tools_async (reloader->store, collet_reload_record_tools (self->plan->tools),
                                       copy_names (self->plan->removed), on_stored, g_steal_pointer (&task));
      return;
    }
  if (self->plan == NULL)
    g_task_return_error (task, error);
  else
    {
      note_sequence (reloader, self);
      g_task_return_boolean (task, TRUE);
    }
  collet_change_queue_leave (&reloader->changes);
}

static void
enter (ColletReloader *reloader, Registration *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (reloader, NULL, callback, user_data);

  g_task_set_task_data (task, self, (GDestroyNotify)registration_free);
  collet_change_queue_enter (&reloader->changes, on_turn, task);
}

void
collet_reloader_register_tool_async (ColletReloader *reloader, const char *name, const char *module,
                                     const char *tool, const char *metadata, GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  Registration *self = g_new0 (Registration, 1);

  self->kind = REGISTER;
  self->name = g_strdup (name);
  self->module = g_strdup (module);
  self->tool = g_strdup (tool);
  self->metadata = g_strdup (metadata);
  enter (reloader, self, callback, user_data);
}

void
collet_reloader_unregister_tool_async (ColletReloader *reloader, const char *name,
                                       GAsyncReadyCallback callback, gpointer user_data)
{
  Registration *self = g_new0 (Registration, 1);

  self->kind = UNREGISTER;
  self->name = g_strdup (name);
  enter (reloader, self, callback, user_data);
}

void
collet_reloader_update_tool_async (ColletReloader *reloader, const char *name, const char *version,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
  Registration *self = g_new0 (Registration, 1);

  self->kind = UPDATE;
  self->name = g_strdup (name);
  self->version = g_strdup (version);
  enter (reloader, self, callback, user_data);
}

gboolean
collet_reloader_registration_finish (ColletReloader *reloader, GAsyncResult *result, gboolean *changed,
                                     GError **error)
{
  const Registration *self = g_task_get_task_data (G_TASK (result));

  *changed = self->changed;
  return g_task_propagate_boolean (G_TASK (result), error);
}

guint64
collet_reloader_registration_get_sequence (ColletReloader *reloader, GAsyncResult *result)
{
  const Registration *self = g_task_get_task_data (G_TASK (result));

  return self->sequence;
}
