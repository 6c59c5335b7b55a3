/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-tool.h: a name under which clients call a module's tool. Immutable: a
 * change makes another one. Main thread.
 */
#pragma once

#include <gio/gio.h>

#include "collet-tool-list.h"

G_BEGIN_DECLS

typedef struct
{
  char *name; /* what clients call */
  char *module;
  char *module_tool;    /* the module's own name for it */
  char *metadata;       /* JSON object that RegisterTool was given, or NULL */
  char *version;        /* SHA-256 recorded for it */
  gboolean is_explicit; /* made or adopted by RegisterTool, not only by the manifest */
  gint64 registered_at; /* microseconds since 1970 */
  gint64 updated_at;    /* likewise: when `version` was recorded */
  guint64 sequence;     /* of the update that recorded it; 0: not yet */
} ColletToolFacts;

void collet_tool_facts_free (ColletToolFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletToolFacts, collet_tool_facts_free)
ColletToolFacts *collet_tool_facts_copy (const ColletToolFacts *facts);

#define COLLET_TYPE_TOOL (collet_tool_get_type ())
G_DECLARE_FINAL_TYPE (ColletTool, collet_tool, COLLET, TOOL, GObject)

/* Takes `facts`. */
ColletTool *collet_tool_new (ColletToolFacts *facts);
const ColletToolFacts *collet_tool_get_facts (ColletTool *self);
const char *collet_tool_get_name (ColletTool *self);
/* Before it is served: the update that records its version. */
void collet_tool_set_update (ColletTool *self, guint64 sequence, gint64 at);
/* Borrowed. */
ColletToolCounter *collet_tool_get_counter (ColletTool *self);
/* `self` takes the place of `former`, under the same name: it counts on. */
void collet_tool_succeed (ColletTool *self, ColletTool *former);

/* What MCP serves for it. `manifest` must have `module_tool`. */
ColletToolEntry *collet_tool_make_entry (ColletTool *self, ColletVersion *version, guint64 generation,
                                         ColletManifest *manifest, ColletCallTarget *target);

/* RegisterTool's metadata: an object with "title" and "description" (strings) and
 * "annotations" (an object) only. InvalidArgument. */
gboolean collet_tool_check_metadata (const char *metadata, GError **error);

G_END_DECLS
