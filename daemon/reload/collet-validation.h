/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-validation.h: would this artifact be accepted? And: the bytes of a
 * version. Both leave everything as it is.
 */
#pragma once

#include "collet-reloader.h"

G_BEGIN_DECLS

typedef struct
{
  GError *error;            /* why it would be refused; NULL: it would be accepted */
  ColletVersion *version;   /* NULL: the bytes could not be read */
  ColletManifest *manifest; /* NULL: not readable */
  const char *verdict;      /* against what runs: "new", "identical", ... or NULL */
  GStrv differences;        /* of the schemas, or NULL */
  GPtrArray *checks;        /* ColletCheck, in order */
} ColletValidation;

void collet_validation_free (ColletValidation *validation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletValidation, collet_validation_free)

/* `source`: absolute path, or a name in the module path. ArtifactNotFound. */
void collet_reloader_validate_async (ColletReloader *self, const char *source, GAsyncReadyCallback callback,
                                     gpointer user_data);
ColletValidation *
collet_reloader_validate_finish (ColletReloader *self, GAsyncResult *result, GError **error);

/* A read-only descriptor of a stored version's file, checked before it is
 * given. `selector`: NULL for what runs. ModuleNotLoaded, NotFound,
 * IntegrityFailed. */
void collet_reloader_open_artifact_async (ColletReloader *self, const char *module, const char *selector,
                                          GAsyncReadyCallback callback, gpointer user_data);
int collet_reloader_open_artifact_finish (ColletReloader *self, GAsyncResult *result, char **filename,
                                          GError **error);

/* SHA-256 of what a reload of that module by its name would take: its file in the
 * module path. finish: NULL if there is none, or it cannot be read. */
void collet_reloader_look_on_disk_async (ColletReloader *self, const char *module,
                                         GAsyncReadyCallback callback, gpointer user_data);
char *collet_reloader_look_on_disk_finish (ColletReloader *self, GAsyncResult *result);

G_END_DECLS
