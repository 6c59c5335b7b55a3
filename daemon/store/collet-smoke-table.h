/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-smoke-table.h: smoke_test. Private to store/; within a transaction.
 */
#pragma once

#include "collet-database.h"

G_BEGIN_DECLS

/* module → JSON text. */
gboolean collet_smoke_table_read (ColletDatabase *db, GHashTable *tests, GError **error);
/* tests NULL: removes them. */
gboolean collet_smoke_table_set (ColletDatabase *db, const char *module, const char *tests, gint64 uid,
                                 const char *reason, GError **error);

G_END_DECLS
