/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-tools-page.h: what clients can call.
 */
#pragma once

#include "collet-page.h"

G_BEGIN_DECLS

#define COLLET_TYPE_TOOLS_PAGE (collet_tools_page_get_type ())
G_DECLARE_FINAL_TYPE (ColletToolsPage, collet_tools_page, COLLET, TOOLS_PAGE, ColletPage)

G_END_DECLS
