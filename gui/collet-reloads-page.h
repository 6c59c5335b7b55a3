/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-reloads-page.h: what is being changed and what was, the newest first;
 * filtered, searched, exported.
 */
#pragma once

#include "collet-page.h"

G_BEGIN_DECLS

#define COLLET_TYPE_RELOADS_PAGE (collet_reloads_page_get_type ())
G_DECLARE_FINAL_TYPE (ColletReloadsPage, collet_reloads_page, COLLET, RELOADS_PAGE, ColletPage)

G_END_DECLS
