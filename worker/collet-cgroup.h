/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cgroup.h: limits that the kernel keeps for a process as a whole, where the
 * service manager left us our own control group (Delegate=, cgroup v2). Beside what
 * rlimits bound they count memory that is not mapped, as of memfds, and threads.
 * The daemon and the fork server go into a group "daemon", since only groups
 * without processes can share out; each child gets one of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collet-wire.h"

struct collet_cgroup;

/* Of the process that calls; the group's folder, if it is ours to share out, else
 * NULL. Free it. */
char *collet_cgroup_find (void);

/* Takes `folder` (may be NULL) and moves `daemon` and the caller out of the way.
 * NULL: children get no groups; that is said on standard error unless folder is
 * NULL. */
struct collet_cgroup *collet_cgroup_new (char *folder, pid_t daemon);
void collet_cgroup_free (struct collet_cgroup *self);

/* A group for the child `id`; what the child enters by, or -1. `self` may be NULL. */
int collet_cgroup_make (struct collet_cgroup *self, uint64_t id, const struct collet_limits *limits);
/* In the child. */
bool collet_cgroup_enter (int fd);
/* When it has ended, and was waited for. */
void collet_cgroup_remove (struct collet_cgroup *self, uint64_t id);
