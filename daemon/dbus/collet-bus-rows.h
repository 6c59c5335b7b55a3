/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-bus-rows.h: facts as the dictionaries that methods and properties give.
 */
#pragma once

#include "collet-check.h"
#include "collet-deployment.h"
#include "collet-history.h"
#include "collet-registry-module.h"
#include "collet-reload.h"
#include "collet-tool.h"

G_BEGIN_DECLS

/* All floating. A row's names are those of the interface's properties. */
GVariant *collet_bus_row_of_reload_items (ColletReload *reload);       /* aa{sv} */
GVariant *collet_bus_row_of_history (const ColletHistoryEntry *entry); /* a{sv} */
GVariant *collet_bus_rows_of_checks (GPtrArray *checks);               /* aa{sv}; ColletCheck */

/* Adds a text; NULL as "". */
void collet_bus_row_add (GVariantBuilder *row, const char *name, const char *text);

/* a{sv}: the object's properties under their names, as they are now. Not floating:
 * a caller that only passes it on leaks it. */
GVariant *collet_bus_row_dup_properties (gpointer skeleton) G_GNUC_WARN_UNUSED_RESULT;
void collet_bus_rows_add_properties (GVariantBuilder *rows, gpointer skeleton);

G_END_DECLS
