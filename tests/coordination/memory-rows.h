/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * memory-rows.h: rows of coordination keys in memory.
 */
#pragma once

#include "collet-coordination.h"

typedef struct
{
  ColletRowStore base; /* answers from the main loop */
  GTree *rows;         /* key to ColletKeyValue */
  gint64 revision;
  char *store_id;
} MemoryRows;

MemoryRows *memory_rows_new (void);
void memory_rows_free (MemoryRows *self);
/* At once. */
ColletTxnReply *memory_rows_run (MemoryRows *self, const ColletTxn *txn, GError **error);
