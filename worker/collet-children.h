/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-children.h: the processes that the fork server has started and not yet
 * reaped.
 */
#ifndef COLLET_CHILDREN_H
#define COLLET_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define COLLET_CHILDREN_MAX 4096

struct collet_refusals; /* collet-refusals.h */

struct collet_child
{
  pid_t pid;
  uint64_t id;                      /* of the request that made it */
  int64_t deadline_us;              /* CLOCK_MONOTONIC; INT64_MAX: none */
  struct collet_refusals *refusals; /* or NULL; whoever removes the child frees it */
};

struct collet_children
{
  struct collet_child entries[COLLET_CHILDREN_MAX];
  unsigned n;
};

bool collet_children_is_full (const struct collet_children *children);
void collet_children_add (struct collet_children *children, const struct collet_child *child);
/* NULL: it is not one of ours. */
struct collet_child *collet_children_find (struct collet_children *children, pid_t pid);
/* False if it is not one of ours. */
bool collet_children_remove (struct collet_children *children, pid_t pid, struct collet_child *removed);

/* Kills those whose time is up; returns the next deadline, INT64_MAX: none. */
int64_t collet_children_enforce (struct collet_children *children, int64_t now_us);
/* Kills and reaps all. */
void collet_children_end (struct collet_children *children);

#endif /* COLLET_CHILDREN_H */
