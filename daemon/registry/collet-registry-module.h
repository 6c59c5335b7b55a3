/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-registry-module.h: a module that this node serves: facts, not what runs it.
 * Main thread.
 */
#pragma once

#include <gio/gio.h>

#include "collet-call.h"
#include "collet-grace.h"
#include "collet-manifest.h"

G_BEGIN_DECLS

/* What a commit makes of a module. `version` and `manifest` are NULL for a
 * module that is unloaded. */
typedef struct
{
  char *name;
  ColletVersion *version;
  ColletManifest *manifest;
  ColletCallTarget *target;
  ColletGrace *grace; /* versions before whose calls are accepted for a time, or NULL */
  gboolean had_grace; /* of a plan: there was one before it */
  char *previous;     /* SHA-256 to roll back to, or NULL */
  char *host;         /* "worker" | "in-process" */
  guint64 generation;
  gint64 loaded_at; /* microseconds since 1970 */
} ColletModuleFacts;

void collet_module_facts_free (ColletModuleFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletModuleFacts, collet_module_facts_free)

#define COLLET_TYPE_MODULE (collet_module_get_type ())
G_DECLARE_FINAL_TYPE (ColletModule, collet_module, COLLET, MODULE, GObject)

/* Takes `facts`. */
ColletModule *collet_module_new (ColletModuleFacts *facts);
/* Borrowed until the next change; signal "changed" tells of it. */
const ColletModuleFacts *collet_module_get_facts (ColletModule *self);
const char *collet_module_get_name (ColletModule *self);
/* Takes `facts`. Does not tell; collet_module_emit_changed does, once the tools
 * that go with them are there. */
void collet_module_set_facts (ColletModule *self, ColletModuleFacts *facts);
void collet_module_emit_changed (ColletModule *self);

G_END_DECLS
