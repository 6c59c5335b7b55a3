/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-build.h: is this file a finished build, and which? Looked at in a
 * thread; nothing of it is executed.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  COLLET_BUILD_NONE,    /* gone, or no regular file (links are not followed) */
  COLLET_BUILD_OPEN,    /* somebody has it open for writing */
  COLLET_BUILD_PARTIAL, /* no ELF file, or shorter than its header says */
  COLLET_BUILD_WHOLE,
} ColletBuildState;

typedef struct
{
  ColletBuildState state;
  char *sha256; /* of PARTIAL and WHOLE; NULL if it could not be read */
} ColletBuild;

void collet_build_free (ColletBuild *build);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletBuild, collet_build_free)

/* `source`: object of the task. */
void collet_build_examine_async (gpointer source, const char *path, GAsyncReadyCallback callback,
                                 gpointer user_data);
ColletBuild *collet_build_examine_finish (GAsyncResult *result);

G_END_DECLS
