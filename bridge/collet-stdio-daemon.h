/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-stdio-daemon.h: where the daemon is, and having the bus start it.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The path of the daemon's socket on this bus, unless it is configured to be
 * elsewhere. */
char *collet_stdio_daemon_get_socket (GBusType bus);

/* Asks the bus to start it, unless that was done in the last seconds. Tells on
 * standard error if the bus cannot. */
void collet_stdio_daemon_wake (GBusType bus);

G_END_DECLS
