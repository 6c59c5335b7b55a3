/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-fork-server.h: the small process that makes all others. Single-threaded,
 * so that forking is cheap and safe; ends, with all its children, when the daemon
 * closes the spawn channel.
 */
#ifndef COLLET_FORK_SERVER_H
#define COLLET_FORK_SERVER_H

#include <stdbool.h>

#include "collet-user.h"

/* Serves `fd`, a connected SOCK_SEQPACKET socket. Returns the exit status. `user`:
 * whom children become. */
int collet_fork_server_run (int fd, const char *const *readable, unsigned n_readable,
                            const struct collet_user *user, bool allow_unconfined);

#endif /* COLLET_FORK_SERVER_H */
