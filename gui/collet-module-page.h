/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-module-page.h: one module: how it is, its versions and the way back, its tools,
 * where it runs, what was done to it.
 */
#pragma once

#include "collet-detail-page.h"

G_BEGIN_DECLS

#define COLLET_TYPE_MODULE_PAGE (collet_module_page_get_type ())
G_DECLARE_FINAL_TYPE (ColletModulePage, collet_module_page, COLLET, MODULE_PAGE, ColletDetailPage)

G_END_DECLS
