/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-memory-report.h: what in-process modules leave behind, as Prometheus
 * text: code that could not leave memory, and the mappings that all code uses,
 * of which a process has a limited number.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Any thread. */
void collet_memory_report_append (GString *out);

G_END_DECLS
