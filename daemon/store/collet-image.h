/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-image.h: opens collet.db and reads what the daemon starts from. Store
 * thread.
 */
#pragma once

#include "collet-database.h"
#include "collet-migrations.h"
#include "collet-rows.h"

G_BEGIN_DECLS

/* Opens <folder>/collet.db, brings it to the newest schema, checks it, reads the
 * image. A damaged file is moved aside and a new one made; *moved_to says where
 * to. */
ColletDatabase *collet_image_open (const char *folder, GPtrArray *migrations, ColletStoreImage **image,
                                   char **moved_to, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
