/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-tool-page.h: one tool: what it takes and gives, how it does, and a form to
 * call it with.
 */
#pragma once

#include "collet-detail-page.h"

G_BEGIN_DECLS

#define COLLET_TYPE_TOOL_PAGE (collet_tool_page_get_type ())
G_DECLARE_FINAL_TYPE (ColletToolPage, collet_tool_page, COLLET, TOOL_PAGE, ColletDetailPage)

G_END_DECLS
