/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-landlock.h: what a confined process may reach in the file system (and,
 * where the kernel can, of the network). Made once by the fork server, entered by
 * each child.
 */
#ifndef COLLET_LANDLOCK_H
#define COLLET_LANDLOCK_H

#include <stdbool.h>

#include "collet-failure.h"

/* ABI version of the kernel's Landlock; 0: none. */
int collet_landlock_get_version (void);

/* A ruleset (fd, close-on-exec) under which the `readable` folders, the system's
 * libraries and a few harmless files can be read, nothing can be written, and
 * nothing else opened. `network`: TCP is left open, and the files that a resolver
 * and TLS need can be read. What does not exist is left out. -1: *failure is
 * ConfinementUnavailable. */
int collet_landlock_make_ruleset (const char *const *readable, unsigned n_readable, bool network,
                                  struct collet_failure *failure);

/* For this process and what it starts, for good; no_new_privs must be set. */
bool collet_landlock_enter (int ruleset_fd, struct collet_failure *failure);

#endif /* COLLET_LANDLOCK_H */
