/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-way-back.h: what going back would do, before it is done: from which version
 * to which, and what clients lose of what they were given on the way here.
 */
#pragma once

#include <adwaita.h>

#include "collet-service.h"

G_BEGIN_DECLS

#define COLLET_TYPE_WAY_BACK (collet_way_back_get_type ())
G_DECLARE_FINAL_TYPE (ColletWayBack, collet_way_back, COLLET, WAY_BACK, AdwBin)

/* version: empty for the one before. is_agreed: all nodes go back together. */
GtkWidget *
collet_way_back_new (ColletService *service, const char *module, const char *version, gboolean is_agreed);

G_END_DECLS
