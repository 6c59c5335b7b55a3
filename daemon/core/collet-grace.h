/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-grace.h: versions of a module that a breaking change replaced a moment
 * ago: until when calls in their form are accepted. Immutable, reference counted,
 * for any thread.
 */
#pragma once

#include "collet-manifest.h"
#include "collet-version.h"

G_BEGIN_DECLS

typedef struct
{
  ColletVersion *version;
  ColletManifest *manifest;
  gint64 until; /* microseconds since 1970 */
} ColletFormerVersion;

ColletFormerVersion *
collet_former_version_new (ColletVersion *version, ColletManifest *manifest, gint64 until);
void collet_former_version_free (ColletFormerVersion *former);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletFormerVersion, collet_former_version_free)
/* NULL: it has none of that name, or its time is over. */
const ColletManifestTool *
collet_former_version_find_tool (const ColletFormerVersion *former, const char *tool, gint64 now);

typedef struct _ColletGrace ColletGrace;

/* Those of `grace` (may be NULL) that are still open at `now` and are not
 * `published`, and before them `former` (taken; may be NULL). NULL: none. */
ColletGrace *
collet_grace_renew (const ColletGrace *grace, ColletFormerVersion *former, const char *published, gint64 now);
ColletGrace *collet_grace_ref (ColletGrace *grace);
void collet_grace_unref (ColletGrace *grace);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletGrace, collet_grace_unref)

/* The newest first; `grace` may be NULL. */
guint collet_grace_get_length (const ColletGrace *grace);
const ColletFormerVersion *collet_grace_get (const ColletGrace *grace, guint index);
/* Is any open that has a tool of that name? */
gboolean collet_grace_has_tool (const ColletGrace *grace, const char *tool, gint64 now);

G_END_DECLS
