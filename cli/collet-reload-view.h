/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-reload-view.h: a reload, as people read it. A row is what GetReload()
 * gives.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A line a module: what became of it. */
void collet_reload_view_print_outcome (GVariant *row);
/* Everything that is known of it. */
void collet_reload_view_print_detail (GVariant *row);
/* Many, a line each. */
void collet_reload_view_print_table (GVariant *rows);

G_END_DECLS
