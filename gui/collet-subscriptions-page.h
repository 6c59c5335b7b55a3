/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-subscriptions-page.h: who is told of which tool's updates, and
 * what is waiting for them.
 */
#pragma once

#include "collet-page.h"

G_BEGIN_DECLS

#define COLLET_TYPE_SUBSCRIPTIONS_PAGE (collet_subscriptions_page_get_type ())
G_DECLARE_FINAL_TYPE (ColletSubscriptionsPage, collet_subscriptions_page, COLLET, SUBSCRIPTIONS_PAGE,
                      ColletPage)

G_END_DECLS
