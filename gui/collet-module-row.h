/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-module-row.h: rows of the page of a module, from what the daemon answers.
 */
#pragma once

#include <gtk/gtk.h>

#include "collet-item.h"

G_BEGIN_DECLS

/* Of ListVersions(). rollback: the action that goes back to it. */
GtkWidget *collet_module_row_new_version (ColletItem *version, const char *module, const char *rollback);
/* Of GetReloadHistory(). */
GtkWidget *collet_module_row_new_reload (ColletItem *reload);
/* Of GetDrainStatus(): a generation, its calls, and until when they may last. */
GtkWidget *collet_module_row_new_drain (ColletItem *drain);

G_END_DECLS
