/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-module-object.h"

#include "collet-bus.h"
#include "collet-refusal.h"

struct _ColletModuleObject
{
  ColletDbusModuleSkeleton parent_instance;
  ColletModule *module;
  ColletRegistry *registry;
  ColletDeployment *deployment;
  ColletReloader *reloader;
};

G_DEFINE_FINAL_TYPE (ColletModuleObject, collet_module_object, COLLET_DBUS_TYPE_MODULE_SKELETON)

static void
collet_module_object_dispose (GObject *object)
{
  ColletModuleObject *self = COLLET_MODULE_OBJECT (object);

  g_clear_object (&self->module);
  g_clear_object (&self->registry);
  g_clear_object (&self->deployment);
  g_clear_object (&self->reloader);
  G_OBJECT_CLASS (collet_module_object_parent_class)->dispose (object);
}

static void
collet_module_object_class_init (ColletModuleObjectClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = collet_module_object_dispose;
}

static void
collet_module_object_init (ColletModuleObject *self)
{
}

static const char *
or_empty (const char *text)
{
  return text != NULL ? text : "";
}

static void
set_version (ColletDbusModule *bus, const ColletVersion *version)
{
  collet_dbus_module_set_version (bus, version->sha256);
  collet_dbus_module_set_semantic_version (bus, version->semver);
  collet_dbus_module_set_md5 (bus, version->md5);
  collet_dbus_module_set_signer (bus, version->signer != NULL ? version->signer : "");
  collet_dbus_module_set_code_digest (bus, version->code_digest);
  collet_dbus_module_set_build_id (bus, or_empty (version->build_id));
  collet_dbus_module_set_size (bus, version->size);
}

static void
set_manifest (ColletDbusModule *bus, const ColletManifest *manifest)
{
  collet_dbus_module_set_description (bus, or_empty (manifest->description));
  collet_dbus_module_set_license (bus, or_empty (manifest->license));
  collet_dbus_module_set_stateful (bus, manifest->stateful);
  collet_dbus_module_set_state_format (bus, manifest->state_format);
  collet_dbus_module_set_concurrent (bus, manifest->concurrent);
  collet_dbus_module_set_requires (bus, (const char *const *)manifest->requires_);
}

static void
set_former (ColletDbusModule *bus, const ColletGrace *grace)
{
  GVariantBuilder rows;

  g_variant_builder_init (&rows, G_VARIANT_TYPE ("a(sx)"));
  for (guint i = 0; i < collet_grace_get_length (grace); i++)
    {
      const ColletFormerVersion *former = collet_grace_get (grace, i);

      g_variant_builder_add (&rows, "(sx)", former->version->sha256, former->until);
    }
  collet_dbus_module_set_former_versions (bus, g_variant_builder_end (&rows));
}

static void
on_changed (ColletModule *module, gpointer data)
{
  ColletModuleObject *self = data;
  ColletDbusModule *bus = data;
  const ColletModuleFacts *facts = collet_module_get_facts (module);
  g_autoptr (GPtrArray) tools = collet_registry_list_tools (self->registry, facts->name);

  set_version (bus, facts->version);
  set_manifest (bus, facts->manifest);
  collet_dbus_module_set_name (bus, facts->name);
  collet_dbus_module_set_generation (bus, facts->generation);
  collet_dbus_module_set_host (bus, facts->host);
  collet_dbus_module_set_previous_version (bus, or_empty (facts->previous));
  collet_dbus_module_set_loaded_at (bus, facts->loaded_at);
  set_former (bus, facts->grace);
  g_ptr_array_add (tools, NULL);
  collet_dbus_module_set_tools (bus, (const char *const *)tools->pdata);
  collet_module_object_refresh (self);
}

static const char *
describe_state (ColletGenerationState state)
{
  static const char *const names[] = {
    [COLLET_GENERATION_COLD] = "cold",       [COLLET_GENERATION_STARTING] = "starting",
    [COLLET_GENERATION_READY] = "running",   [COLLET_GENERATION_RESTARTING] = "restarting",
    [COLLET_GENERATION_BROKEN] = "broken",   [COLLET_GENERATION_RETIRING] = "drained",
    [COLLET_GENERATION_RETIRED] = "drained",
  };

  return names[state];
}

static void
set_reload (ColletDbusModule *bus, const char *id)
{
  g_autofree char *path = id != NULL ? collet_bus_dup_path (COLLET_BUS_RELOADS, id) : NULL;

  collet_dbus_module_set_reload (bus, path != NULL ? path : "/");
}

static void
set_drained (ColletDbusModule *bus, ColletDrainState drain)
{
  gboolean is_done = drain == COLLET_DRAIN_DONE;

  collet_dbus_module_set_state (bus, is_done ? "drained" : "draining");
  collet_dbus_module_set_verdict (bus, "attention");
  collet_dbus_module_set_verdict_message (
      bus, is_done ? "It was drained and takes no calls until it is resumed."
                   : "It is being drained: it takes no new calls, and those that run finish.");
}

static void
set_quick (ColletDbusModule *bus, ColletPromiseState promise)
{
  collet_dbus_module_set_quick (bus, promise == COLLET_PROMISE_KEPT     ? "kept"
                                     : promise == COLLET_PROMISE_BROKEN ? "broken"
                                                                        : "");
}

static char *
dup_tried (const GPtrArray *refusals)
{
  g_autofree char *what = collet_refusals_list_dup_text (refusals);

  return g_strdup_printf ("%s %s", what, collet_refusals_list_get_remedy (refusals));
}

static void
set_refusals (ColletDbusModule *bus, const GPtrArray *refusals)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(st)"));

  for (guint i = 0; i < refusals->len; i++)
    {
      const ColletRefusal *refusal = g_ptr_array_index (refusals, i);

      g_variant_builder_add (&builder, "(st)", refusal->call, refusal->times);
    }
  collet_dbus_module_set_refusals (bus, g_variant_builder_end (&builder));
}

static void
set_verdict (ColletDbusModule *bus, ColletGenerationState state, ColletPromiseState promise,
             const GPtrArray *refusals)
{
  gboolean is_confined = refusals->len > 0;
  gboolean is_broken = state == COLLET_GENERATION_BROKEN;
  gboolean is_restarting = state == COLLET_GENERATION_RESTARTING;
  gboolean is_slow = promise == COLLET_PROMISE_BROKEN;
  gboolean is_revoked = collet_dbus_module_get_signer_revoked (bus);

  g_autofree char *tried = is_confined ? dup_tried (refusals) : NULL;

  collet_dbus_module_set_verdict (bus, is_broken                                               ? "broken"
                                       : is_restarting || is_revoked || is_confined || is_slow ? "attention"
                                                                                               : "ok");
  collet_dbus_module_set_verdict_message (
      bus, is_broken       ? "It crashed too often and is no longer started. Roll it back or reload it."
           : is_restarting ? "It crashed and is being started again; calls wait."
           : is_revoked  ? "The key that signed it was revoked. Reload it with a version that a trusted key "
                           "signed, or unload it."
           : is_confined ? tried
           : is_slow     ? "It promised to be quick and was not: its calls run in threads of its own."
                         : "");
}

void
collet_module_object_refresh (ColletModuleObject *self)
{
  ColletDbusModule *bus = COLLET_DBUS_MODULE (self);
  ColletGeneration *published = collet_deployment_get_published (self->deployment);
  ColletGeneration *candidate = collet_deployment_get_candidate (self->deployment);
  ColletGenerationStats stats;
  guint64 calls;
  guint64 errors;

  if (published == NULL)
    return;
  collet_dbus_module_set_signer_revoked (
      bus, collet_reloader_is_revoked (self->reloader, collet_module_get_facts (self->module)->version));
  collet_registry_count_calls (self->registry, collet_module_get_name (self->module), &calls, &errors);
  collet_generation_get_stats (published, &stats);
  set_quick (bus, collet_generation_get_promise (published));
  set_refusals (bus, collet_generation_get_refusals (published));
  collet_dbus_module_set_pid (bus, collet_generation_get_pid (published));
  collet_dbus_module_set_in_flight (
      bus, stats.in_flight + collet_slot_get_waiting (collet_deployment_get_slot (self->deployment)));
  collet_dbus_module_set_state_saved_at (bus, collet_deployment_get_state_saved_at (self->deployment));
  gint64 age_us;
  gint64 restored_at = collet_deployment_get_state_restored_at (self->deployment, &age_us);
  collet_dbus_module_set_state_restored_at (bus, restored_at);
  collet_dbus_module_set_state_lost_us (bus, age_us);
  collet_dbus_module_set_trial_ends_at (bus, collet_deployment_get_trial_ends_at (self->deployment));
  collet_dbus_module_set_calls (bus, calls);
  collet_dbus_module_set_errors (bus, errors);
  collet_dbus_module_set_former_calls (
      bus, collet_registry_count_former_calls (self->registry, collet_module_get_name (self->module)));
  collet_dbus_module_set_crashes (bus, collet_deployment_get_crashes (self->deployment));
  set_reload (bus, collet_deployment_get_reload (self->deployment));
  collet_dbus_module_set_resident_versions (bus, collet_deployment_get_resident (self->deployment));
  collet_dbus_module_set_live_generations (bus, collet_deployment_get_live (self->deployment));
  collet_dbus_module_set_candidate_version (bus, candidate != NULL
                                                     ? collet_generation_get_spec (candidate)->version->sha256
                                                     : "");
  if (collet_deployment_get_drain (self->deployment) != COLLET_DRAIN_NONE)
    {
      set_drained (bus, collet_deployment_get_drain (self->deployment));
      return;
    }
  collet_dbus_module_set_state (bus, describe_state (collet_generation_get_state (published)));
  set_verdict (bus, collet_generation_get_state (published), collet_generation_get_promise (published),
               collet_generation_get_refusals (published));
}

static void
on_revocations_changed (ColletReloader *reloader, gpointer data)
{
  collet_module_object_refresh (data);
}

static void
on_deployment_changed (ColletDeployment *deployment, gpointer data)
{
  collet_module_object_refresh (data);
}

ColletModuleObject *
collet_module_object_new (ColletModule *module, ColletRegistry *registry, ColletReloader *reloader)
{
  ColletModuleObject *self = g_object_new (COLLET_TYPE_MODULE_OBJECT, NULL);

  self->module = g_object_ref (module);
  self->registry = g_object_ref (registry);
  self->reloader = g_object_ref (reloader);
  self->deployment =
      g_object_ref (collet_reloader_find_deployment (reloader, collet_module_get_name (module)));
  g_signal_connect_object (module, "changed", G_CALLBACK (on_changed), self, 0);
  g_signal_connect_object (self->deployment, "changed", G_CALLBACK (on_deployment_changed), self, 0);
  g_signal_connect_object (reloader, "revocations-changed", G_CALLBACK (on_revocations_changed), self, 0);
  on_changed (module, self);
  return self;
}
