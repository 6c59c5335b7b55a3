/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-trace.h: correlation ids: what ties a call to its lines in the log, to its
 * row among the recorded calls, and to what its caller and its module do besides.
 *
 * The form is the trace-id of W3C Trace Context: 32 lower-case hexadecimal digits,
 * not all of them zero.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLLET_TRACE_SIZE 33 /* with the NUL */

/* A new one, that nothing else has. */
void collet_trace_make (char trace[COLLET_TRACE_SIZE]);
/* The caller's own, from its `traceparent`
 * (https://www.w3.org/TR/trace-context/#traceparent-header). FALSE: it is none. */
gboolean collet_trace_from_parent (const char *text, gsize size, char trace[COLLET_TRACE_SIZE]);

G_END_DECLS
