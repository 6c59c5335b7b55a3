/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-metrics.h: what was called how often and how long it took, as
 * Prometheus text. One series a tool and version; past COLLET_MCP_MAX_SERIES the
 * rest is counted together under the tool "other". Thread-safe.
 */
#pragma once

#include "collet-tool-list.h"

G_BEGIN_DECLS

#define COLLET_MCP_MAX_SERIES 1024

typedef struct _ColletMcpMetrics ColletMcpMetrics;

ColletMcpMetrics *collet_mcp_metrics_new (void);
void collet_mcp_metrics_free (ColletMcpMetrics *metrics);

/* `sha256`: of what answered, or NULL. */
void collet_mcp_metrics_count_call (ColletMcpMetrics *metrics, const char *tool, const char *sha256,
                                    gboolean is_error, gint64 duration_us);
void collet_mcp_metrics_append (ColletMcpMetrics *metrics, GString *out);

/* Calls in the form of a version before, of the tools that had any. */
void collet_mcp_metrics_append_former (GString *out, const ColletToolList *list);

void collet_mcp_metrics_append_gauge (GString *out, const char *name, const char *help, guint64 value);

G_END_DECLS
