/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-row-keeper.h: the keys of a cluster of one, in the database.
 */
#pragma once

#include "collet-coordination.h"
#include "collet-store.h"

G_BEGIN_DECLS

typedef struct _ColletRowKeeper ColletRowKeeper;

ColletRowKeeper *collet_row_keeper_new (ColletStore *store);
void collet_row_keeper_free (ColletRowKeeper *self);
/* Borrowed. */
ColletRowStore *collet_row_keeper_get_rows (ColletRowKeeper *self);

G_END_DECLS
