/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-tool-list.h: an immutable snapshot of the tools that are served, made
 * by the registry at each change, read by HTTP threads without the registry.
 */
#pragma once

#include "collet-call.h"
#include "collet-grace.h"
#include "collet-manifest.h"
#include "collet-tool-counter.h"

G_BEGIN_DECLS

typedef struct
{
  char *name;        /* what clients call; unique in the list */
  char *module_tool; /* the module's own name for it */
  char *former_tool; /* what its module's version before called it, if `name` is that; else NULL */
  char *module;
  ColletVersion *version; /* published when the list was made */
  guint64 generation;
  ColletManifest *manifest; /* keeps the schemas */
  const ColletManifestTool *tool;
  ColletCallTarget *target;
  ColletGrace *grace;         /* versions before whose calls are accepted for a time, or NULL */
  ColletToolCounter *counter; /* or NULL */
  guint call_timeout_ms;      /* 0: the default */
  char *json;                 /* Tool object for tools/list, with _meta:
                                 {"org.collet/module":...,"org.collet/sha256":...,
                                  "org.collet/signer":... (if it was signed),
                                  "org.collet/version":semver} */
  gsize json_size;
} ColletToolEntry;

typedef struct _ColletToolList ColletToolList;

/* Takes the arrays, whose free function is collet_tool_entry_free, in any order;
 * names are unique. Each of `entries` has its json; `aliases` (may be NULL) are
 * found by their names, which tools had before, and not listed. */
ColletToolList *collet_tool_list_new (GPtrArray *entries, GPtrArray *aliases, guint64 serial);
ColletToolList *collet_tool_list_ref (ColletToolList *list);
void collet_tool_list_unref (ColletToolList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletToolList, collet_tool_list_unref)
void collet_tool_entry_free (ColletToolEntry *entry);

guint64 collet_tool_list_get_serial (const ColletToolList *list);
guint collet_tool_list_get_length (const ColletToolList *list);
/* Sorted by name bytes. Borrowed. */
const ColletToolEntry *collet_tool_list_get (const ColletToolList *list, guint index);
const ColletToolEntry *collet_tool_list_find (const ColletToolList *list, const char *name, gssize size);
/* By a name that a tool had before, as long as that is accepted. Borrowed. */
const ColletToolEntry *
collet_tool_list_find_former (const ColletToolList *list, const char *name, gint64 now);
/* Index of the first entry whose name is greater than `name` (for cursors). */
guint collet_tool_list_after (const ColletToolList *list, const char *name);
/* "[{...},{...}]" of all entries: byte-stable. Borrowed. */
const char *collet_tool_list_get_json (const ColletToolList *list, gsize *size);
/* SHA-256 over that text: whether list_changed is due. */
const char *collet_tool_list_get_digest (const ColletToolList *list);

/* Where the current one is found; one reader lock, held for a reference. The
 * registry replaces; readers on any thread take. */
typedef struct _ColletToolDirectory ColletToolDirectory;
ColletToolDirectory *collet_tool_directory_new (void); /* with an empty list */
void collet_tool_directory_free (ColletToolDirectory *directory);
ColletToolList *collet_tool_directory_ref_list (ColletToolDirectory *directory);
/* Takes `list`. TRUE if the digest differs from the former one. */
gboolean collet_tool_directory_replace (ColletToolDirectory *directory, ColletToolList *list);

G_END_DECLS
