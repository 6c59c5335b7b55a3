/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-stdio-events.h: reads text/event-stream, in pieces of any size. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColletStdioEvents ColletStdioEvents;

ColletStdioEvents *collet_stdio_events_new (gsize max_event);
void collet_stdio_events_free (ColletStdioEvents *events);

/* `on_data` gets each event's data on one line, NUL-terminated, borrowed; not for
 * an event without any. FALSE: an event larger than max_event came. */
gboolean collet_stdio_events_feed (ColletStdioEvents *events, const char *bytes, gsize size,
                                   void (*on_data) (const char *data, gsize size, gpointer user_data),
                                   gpointer user_data);
/* Of the last event that had one; or NULL. */
const char *collet_stdio_events_get_last_id (ColletStdioEvents *events);

G_END_DECLS
