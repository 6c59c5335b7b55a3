/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-manifest-private.h: reading one object of a manifest by taking its
 * members; what was not taken in the end is an error.
 */
#pragma once

#include "collet-json-private.h"
#include "collet-manifest.h"

G_BEGIN_DECLS

#define COLLET_MANIFEST_MAX_SIZE (256u * 1024u)
#define COLLET_MANIFEST_MAX_TOOLS 1024
#define COLLET_MANIFEST_MAX_MEMBERS 16 /* that any object of a manifest knows */

typedef struct
{
  const ColletJson *json;
  ColletJsonNode object;
  ColletJsonNode taken[COLLET_MANIFEST_MAX_MEMBERS];
  guint n_taken;
  GError **error;
} ColletManifestReader;

/* FALSE with an error if `node` is no object. */
gboolean collet_manifest_reader_init (ColletManifestReader *reader, const ColletJson *json,
                                      ColletJsonNode node, GError **error);
/* FALSE if there is a member that nobody took and whose name does not begin with
 * "x-". */
gboolean collet_manifest_reader_finish (ColletManifestReader *reader);
/* 0 if it is absent. */
ColletJsonNode collet_manifest_reader_take (ColletManifestReader *reader, const char *name);

/* An absent member leaves *value as it is and succeeds. */
gboolean
collet_manifest_reader_take_boolean (ColletManifestReader *reader, const char *name, gboolean *value);
gboolean collet_manifest_reader_take_number (ColletManifestReader *reader, const char *name, guint32 minimum,
                                             guint32 maximum, guint32 *value);
gboolean collet_manifest_reader_take_string (ColletManifestReader *reader, const char *name,
                                             guint max_length, /* code points */
                                             char **value);
/* FALSE with an error if it is absent. */
gboolean collet_manifest_reader_require (ColletManifestReader *reader, const char *name, gconstpointer value);

/* "/tools/0/name: is 5 (number), must be ..."; always FALSE. */
gboolean collet_manifest_refuse (const ColletJson *json, ColletJsonNode node, GError **error,
                                 const char *format, ...) G_GNUC_PRINTF (4, 5);
/* "/tools/0: <reason>" */
gboolean collet_manifest_refuse_plain (const ColletJson *json, ColletJsonNode node, GError **error,
                                       const char *format, ...) G_GNUC_PRINTF (4, 5);

/* collet-manifest-tool.c */
ColletManifestTool *collet_manifest_tool_parse (const ColletJson *json, ColletJsonNode node, GError **error);
void collet_manifest_tool_free (ColletManifestTool *tool);

G_END_DECLS
