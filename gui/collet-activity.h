/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-activity.h: what the daemon told since the app was started, as a list,
 * the newest first, and as notifications of the desktop where that is wanted.
 */
#pragma once

#include "collet-app.h"

G_BEGIN_DECLS

#define COLLET_TYPE_ACTIVITY (collet_activity_get_type ())
G_DECLARE_FINAL_TYPE (ColletActivity, collet_activity, COLLET, ACTIVITY, GObject)

/* More than that are not kept. */
#define COLLET_ACTIVITY_MAX 500

/* app: borrowed. May be NULL: nothing is notified. */
ColletActivity *collet_activity_new (ColletService *service, ColletApp *app);
/* Items with "At" (x), "Status" (x, ColletStatusKind), "Text", "Page", "Key" (s).
 * Borrowed. */
GListModel *collet_activity_get_events (ColletActivity *self);

G_END_DECLS
