/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-activity-page.h: what happened while the app was open, the newest first.
 */
#pragma once

#include "collet-page.h"

G_BEGIN_DECLS

#define COLLET_TYPE_ACTIVITY_PAGE (collet_activity_page_get_type ())
G_DECLARE_FINAL_TYPE (ColletActivityPage, collet_activity_page, COLLET, ACTIVITY_PAGE, ColletPage)

G_END_DECLS
