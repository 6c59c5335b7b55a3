/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-overview-page.h: which version of each module runs where, and what needs
 * somebody.
 */
#pragma once

#include "collet-page.h"

G_BEGIN_DECLS

#define COLLET_TYPE_OVERVIEW_PAGE (collet_overview_page_get_type ())
G_DECLARE_FINAL_TYPE (ColletOverviewPage, collet_overview_page, COLLET, OVERVIEW_PAGE, ColletPage)

G_END_DECLS
