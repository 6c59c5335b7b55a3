/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-housekeeper.h: the thread that does what no request asks for: tells
 * waiting clients that the list changed, and ends idle sessions.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColletMcpHousekeeper ColletMcpHousekeeper;

/* on_change: after collet_mcp_housekeeper_wake, at once, but a tenth of a second
 * after the last time at the earliest, and once for several; on_idle: every
 * `period_ms`. Both in the thread. */
ColletMcpHousekeeper *collet_mcp_housekeeper_new (guint period_ms, void (*on_change) (gpointer user_data),
                                                  void (*on_idle) (gpointer user_data), gpointer user_data);
void collet_mcp_housekeeper_free (ColletMcpHousekeeper *keeper);
void collet_mcp_housekeeper_wake (ColletMcpHousekeeper *keeper);

G_END_DECLS
