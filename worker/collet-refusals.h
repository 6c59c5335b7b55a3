/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-refusals.h: which system calls the filter refused to children.
 *
 * The kernel asks the fork server about each of them before it fails. So nothing
 * that a module does to its signals, threads or memory hides one; those that are
 * allowed cost nothing more, and one that makes them without end uses up time of
 * the fork server's, not of the daemon's.
 */
#ifndef COLLET_REFUSALS_H
#define COLLET_REFUSALS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collet-wire.h"

#define COLLET_REFUSALS_MAX 128 /* of a child, one an artifact and system call; more are not told */

struct collet_children;

/* Of one child. */
struct collet_refusals
{
  int listener_fd;            /* the kernel's end; -1: none */
  _Atomic uint32_t *artifact; /* a probe's, shared with it: which one it runs; or NULL */
  bool has_news;
  unsigned n;
  struct collet_refused *list; /* `times` counts what was not told yet */
  uint64_t *totals;
};

/* Of all. */
struct collet_refusals_watch
{
  int epoll_fd;      /* readable: serve */
  int post_fd;       /* where listeners arrive */
  int child_post_fd; /* which a child inherits */
};

/* False: nothing is told; children are confined all the same. */
bool collet_refusals_open (struct collet_refusals_watch *watch);

/* NULL: no memory. `is_probe`: with `artifact`. */
struct collet_refusals *collet_refusals_new (bool is_probe);
void collet_refusals_free (struct collet_refusals *refusals, const struct collet_refusals_watch *watch);

/* In the child, which is confined: hands the kernel's end over. */
void collet_refusals_post (int post_fd, int listener_fd);

/* Takes what arrived, and answers a bounded number of calls: each fails with
 * EPERM. True: some child has news. */
bool collet_refusals_serve (const struct collet_refusals_watch *watch, struct collet_children *children,
                            char *buffer);

/* What was not told yet, which is told with this; at most COLLET_REFUSALS_MAX. */
unsigned collet_refusals_take (struct collet_refusals *refusals, struct collet_refused *list);

#endif /* COLLET_REFUSALS_H */
