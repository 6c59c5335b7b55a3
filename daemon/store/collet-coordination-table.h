/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-coordination-table.h: coordination and coordination_state. Store thread,
 * within a transaction.
 */
#pragma once

#include "collet-database.h"
#include "collet-txn.h"

G_BEGIN_DECLS

/* NULL: it failed, and what was done has to be taken back. */
ColletTxnReply *collet_coordination_table_run (ColletDatabase *db, const ColletTxn *txn, GError **error);

G_END_DECLS
