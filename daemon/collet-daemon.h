/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-daemon.h: puts the layers together, starts and stops them in order.
 */
#pragma once

#include "collet-options.h"

G_BEGIN_DECLS

#define COLLET_TYPE_DAEMON (collet_daemon_get_type ())
G_DECLARE_FINAL_TYPE (ColletDaemon, collet_daemon, COLLET, DAEMON, GObject)

/* Opens the store, starts the fork server, takes the addresses. Errors say what
 * is in the way and what to do. */
ColletDaemon *collet_daemon_new (const ColletOptions *options, GError **error);
/* Brings the modules back, then serves, until stop. Exit status. */
int collet_daemon_run (ColletDaemon *self);
/* Reads the configuration again; what is live of it counts from now on. */
void collet_daemon_reload (ColletDaemon *self);
/* Asks for the end, with a record of it: lets calls finish, saves states, ends. A
 * second time: at once, with what was saved before. */
void collet_daemon_stop (ColletDaemon *self, const char *reason);

G_END_DECLS
