/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-registry.h: the modules and tools of this node, as models, and the
 * snapshot that MCP serves from. A change is planned (and may be refused) before
 * it is made durable, and applied, without failing, after. Main thread.
 */
#pragma once

#include "collet-registry-module.h"
#include "collet-subscription.h"
#include "collet-subscriptions.h"
#include "collet-tool.h"

G_BEGIN_DECLS

/* What a change does to the tools; made against the registry as it is now. */
typedef struct
{
  GPtrArray *facts;   /* ColletModuleFacts: modules after the change */
  GPtrArray *tools;   /* ColletTool: added or changed */
  GPtrArray *removed; /* char *: names of tools that go */
} ColletRegistryPlan;

void collet_registry_plan_free (ColletRegistryPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletRegistryPlan, collet_registry_plan_free)

#define COLLET_TYPE_REGISTRY (collet_registry_get_type ())
G_DECLARE_FINAL_TYPE (ColletRegistry, collet_registry, COLLET, REGISTRY, GObject)

/* `directory` outlives the registry. */
ColletRegistry *collet_registry_new (ColletToolDirectory *directory);

/* Sorted by name; borrowed. */
GListModel *collet_registry_get_modules (ColletRegistry *self);
GListModel *collet_registry_get_tools (ColletRegistry *self);
/* Borrowed, or NULL. */
ColletModule *collet_registry_find_module (ColletRegistry *self, const char *name);
ColletTool *collet_registry_find_tool (ColletRegistry *self, const char *name);
/* Borrowed. */
ColletSubscriptions *collet_registry_get_subscriptions (ColletRegistry *self);
/* char *: the names under which a module's tools are served, sorted. */
GPtrArray *collet_registry_list_tools (ColletRegistry *self, const char *module);
/* Over all versions of all of them. */
void collet_registry_count_calls (ColletRegistry *self, const char *module, guint64 *calls, guint64 *errors);
/* Of these, those that came in the form of a version before. */
guint64 collet_registry_count_former_calls (ColletRegistry *self, const char *module);

/* Takes `facts` (ColletModuleFacts). Refused with NameClash when two modules
 * offer a tool of one name. */
ColletRegistryPlan *collet_registry_plan (ColletRegistry *self, GPtrArray *facts, gint64 now, GError **error);
/* AlreadyRegistered, NotFound, ModuleNotLoaded, InvalidArgument. metadata: JSON
 * or NULL. */
ColletRegistryPlan *collet_registry_plan_register (ColletRegistry *self, const char *name, const char *module,
                                                   const char *tool, const char *metadata, gint64 now,
                                                   GError **error);
/* A name that the manifest declares goes back to what the manifest says; any
 * other goes. NotFound. */
ColletRegistryPlan *collet_registry_plan_unregister (ColletRegistry *self, const char *name, GError **error);
/* Records that `name` is at the published version. *changed: it was not yet.
 * NotFound, VersionMismatch. */
ColletRegistryPlan *collet_registry_plan_version (ColletRegistry *self, const char *name, const char *version,
                                                  gboolean *changed, GError **error);

/* The numbers under which a plan's changes were made durable (ColletUpdateRow, in
 * the plan's order). */
void collet_registry_plan_number (ColletRegistryPlan *plan, const GPtrArray *updates);

/* Takes the plan. Signal "tools-changed" follows if the list's bytes changed. */
void collet_registry_apply (ColletRegistry *self, ColletRegistryPlan *plan);
/* Registrations from the database at start, before the modules are applied.
 * Takes `facts` (ColletToolFacts). */
void collet_registry_restore_tools (ColletRegistry *self, GPtrArray *facts);

G_END_DECLS
