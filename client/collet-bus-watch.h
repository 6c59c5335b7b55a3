/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-bus-watch.h: on which of the two buses a daemon is, now and later.
 * A bus that is not there is tried again. Nothing blocks, but for the moment that
 * a bus takes to answer in collet_bus_watch_new().
 */
#pragma once

#include "collet-client.h"

G_BEGIN_DECLS

typedef struct _ColletBusWatch ColletBusWatch;

/* connection: where the daemon is; NULL: nowhere. Called at the first certain
 * answer and at each change; a daemon that was replaced is gone in between. */
typedef void (*ColletBusWatchFunc) (GDBusConnection *connection, ColletClientBus bus, gpointer user_data);

/* ANY: the session bus, if a daemon is on it, else the system bus. session: what the
 * program has of that one already; if a daemon is there, func is called before this
 * returns. NULL: nothing yet. */
ColletBusWatch *collet_bus_watch_new (ColletClientBus bus, GDBusConnection *session, ColletBusWatchFunc func,
                                      gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
void collet_bus_watch_free (ColletBusWatch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletBusWatch, collet_bus_watch_free)

G_END_DECLS
