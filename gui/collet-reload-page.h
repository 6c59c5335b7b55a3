/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-reload-page.h: one change, while it runs and after: phases, nodes, what it did, why
 * it failed. It survives leaving it: the daemon has it.
 */
#pragma once

#include "collet-detail-page.h"

G_BEGIN_DECLS

#define COLLET_TYPE_RELOAD_PAGE (collet_reload_page_get_type ())
G_DECLARE_FINAL_TYPE (ColletReloadPage, collet_reload_page, COLLET, RELOAD_PAGE, ColletDetailPage)

G_END_DECLS
