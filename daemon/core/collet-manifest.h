/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-manifest.h: what a module says of itself; see schema/manifest.schema.json
 * for the JSON. Parsed strictly: an unknown member is an error (InvalidManifest)
 * unless its name begins with "x-". Errors: InvalidManifest, or InvalidSchema for
 * a schema that is none, both with the JSON pointer.
 */
#pragma once

#include "collet-former-form.h"
#include "collet-json-schema.h"
#include "collet-smoke-test.h"

G_BEGIN_DECLS

typedef struct
{
  char *name;                      /* [A-Za-z0-9_.-]{1,128}, MCP */
  char *json;                      /* MCP's Tool object without _meta, canonical bytes, ends with '}' */
  gboolean read_only;              /* annotations.readOnlyHint */
  ColletJsonSchema *input_schema;  /* never NULL */
  ColletJsonSchema *output_schema; /* or NULL */
  ColletFormerForm *former;        /* how calls in the form of the version before are taken; or NULL */
} ColletManifestTool;

/* Immutable, reference counted. */
typedef struct
{
  char *name;        /* module: [a-z0-9][a-z0-9_.-]{0,63} */
  char *version;     /* semantic version 2.0.0 */
  char *description; /* or NULL */
  char *license;     /* or NULL */
  gboolean stateful;
  guint32 state_format;        /* > 0 if stateful */
  guint32 snapshot_interval_s; /* 0: only at reload and shutdown */
  gboolean concurrent;         /* calls may overlap */
  gboolean quick;              /* no call waits for anything */
  gboolean needs_network;
  guint32 call_timeout_ms; /* 0: the daemon's default */
  GPtrArray *tools;        /* ColletManifestTool, sorted by name, at least one */
  GPtrArray *smoke_tests;  /* ColletSmokeTest, of tools that are here; may be empty */
  GStrv requires_;         /* names of modules, sorted; may be empty */
  char *json;              /* the whole manifest, canonical bytes */
  gatomicrefcount ref_count;
} ColletManifest;

ColletManifest *
collet_manifest_parse (const char *text, gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
ColletManifest *collet_manifest_ref (ColletManifest *manifest);
void collet_manifest_unref (ColletManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletManifest, collet_manifest_unref)

/* [a-z0-9][a-z0-9_.-]{0,63} */
gboolean collet_manifest_is_module_name (const char *name);

/* [A-Za-z0-9_.-]{1,128} */
gboolean collet_manifest_is_tool_name (const char *name);

const ColletManifestTool *collet_manifest_find_tool (const ColletManifest *manifest, const char *name);
/* Its place in `tools`; -1: there is none. */
int collet_manifest_find_tool_index (const ColletManifest *manifest, const char *name);

/* The one that was called `name` before, by its "former"; or NULL. */
const ColletManifestTool *collet_manifest_find_former_tool (const ColletManifest *manifest, const char *name);

/* `allowed`: names of modules, "*" for any, or NULL. */
gboolean collet_manifest_may_use_network (const ColletManifest *manifest, const char *const *allowed);

G_END_DECLS
