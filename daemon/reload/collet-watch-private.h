/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-watch-private.h: one watched folder, by inotify.
 */
#pragma once

#include "collet-watch.h"

G_BEGIN_DECLS

typedef struct _ColletFolderEvents ColletFolderEvents;

/* name: a file that was written, moved or linked; NULL with is_there: look at all;
 * NULL without: the folder is gone, and waited for. */
typedef void (*ColletFolderFunc) (const char *name, gboolean is_there, gpointer user_data);

/* NotFound, InvalidArgument (no folder), StoreFailed (no more watches). */
ColletFolderEvents *
collet_folder_events_new (const char *folder, ColletFolderFunc func, gpointer user_data, GError **error);
void collet_folder_events_free (ColletFolderEvents *self);

G_END_DECLS
