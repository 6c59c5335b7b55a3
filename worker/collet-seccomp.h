/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-seccomp.h: which system calls a confined process has. A list of what is
 * allowed; everything else fails with EPERM, as a module may well go on without.
 * Made once by the fork server, entered by each child.
 */
#ifndef COLLET_SECCOMP_H
#define COLLET_SECCOMP_H

#include <stdbool.h>

#include "collet-failure.h"

struct collet_filter; /* a BPF program */

/* `network`: internet sockets can be made. NULL:
 * *failure is ConfinementUnavailable. */
struct collet_filter *collet_filter_new (bool network, struct collet_failure *failure);
void collet_filter_free (struct collet_filter *filter);

/* For this process and all its threads to come, for good; no_new_privs must be
 * set. Signals can be sent to this process only, so it cannot fork any more.
 * `listener_fd`: who has it is asked about what is refused, and answers EPERM; -1
 * if the kernel offers none, or there is one already; NULL: none is wanted. */
bool
collet_filter_enter (const struct collet_filter *filter, int *listener_fd, struct collet_failure *failure);

#endif /* COLLET_SECCOMP_H */
