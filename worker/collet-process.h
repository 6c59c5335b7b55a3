/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-process.h: a clean process, before it is confined.
 */
#ifndef COLLET_PROCESS_H
#define COLLET_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "collet-failure.h"
#include "collet-wire.h"

/* For the fork server, once; what its children inherit: signals as a new program
 * has them, except that those sent to a whole service or terminal (TERM, INT,
 * HUP), PIPE and XFSZ are ignored; a session of its own; no environment but LANG
 * and PATH, the former one wiped; standard input from /dev/null, standard output
 * to standard error. */
void collet_process_settle (void);

/* For a child, first: dies with the fork server `parent`; has only `fds`, as 3, 4,
 * ..., beside the standard ones; is the first to go when memory runs out. Exits
 * if the parent is gone. */
void collet_process_begin_child (pid_t parent, const char *name, const int *fds, unsigned n_fds);

/* No capabilities, no new privileges, resource limits. */
bool collet_process_limit (const struct collet_limits *limits, struct collet_failure *failure);

#endif /* COLLET_PROCESS_H */
