/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-data-folder.h: the folder with collet.db: one daemon at a time, and a
 * damaged database put aside. Private to store/.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Makes the folder if needed and takes <folder>/collet.lock for as long as the
 * descriptor is open (not inherited). -1: DatabaseBusy naming the holder's pid,
 * StoreReadOnly, DiskFull, StoreFailed. */
int collet_data_folder_lock (const char *folder, GError **error);

/* Renames <folder>/collet.db and its companions to collet.db.corrupt-<time>.
 * Returns the new path. */
char *collet_data_folder_move_aside (const char *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
