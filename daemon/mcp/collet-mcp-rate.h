/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-rate.h: how many requests each client may send: a bucket a client
 * that holds one second's worth and fills all the time. The table has a fixed
 * size; should more clients come within a second than it has room for, some
 * share a bucket. Thread-safe.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColletMcpRate ColletMcpRate;

ColletMcpRate *collet_mcp_rate_new (void);
void collet_mcp_rate_free (ColletMcpRate *rate);

/* FALSE: `client` (any text) had `per_second` (> 0) within the last second. */
gboolean collet_mcp_rate_take (ColletMcpRate *rate, const char *client, guint per_second, gint64 now_us);

G_END_DECLS
