/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-confinement.h: everything that confines a child, made ready once by the
 * fork server so that a child only enters it.
 */
#ifndef COLLET_CONFINEMENT_H
#define COLLET_CONFINEMENT_H

#include <stdbool.h>

#include "collet-failure.h"
#include "collet-user.h"
#include "collet-wire.h"

struct collet_confinement;

/* `readable` (borrowed for good): folders that children may read. They need not
 * exist yet. `user`: whom a child becomes. `allow_unconfined`: go on without Landlock
 * if the kernel has none. Never fails: what is missing is told by prepare. NULL: no
 * memory. */
struct collet_confinement *collet_confinement_new (const char *const *readable, unsigned n_readable,
                                                   const struct collet_user *user, bool allow_unconfined);
void collet_confinement_free (struct collet_confinement *confinement);

/* In the fork server, before each fork: makes again what has become stale because
 * a readable folder appeared or was replaced. ConfinementUnavailable. */
bool collet_confinement_prepare (struct collet_confinement *confinement, struct collet_failure *failure);
/* The Landlock ruleset that the child must keep open until it enters; -1: none. */
int collet_confinement_get_ruleset (const struct collet_confinement *confinement, bool network);

/* In the child, before it enters: the name by which it can open `path` once it is
 * another user; see collet-user.h. */
const char *
collet_confinement_hold (const struct collet_confinement *confinement, const char *path, char *name);

/* What a child needs to enter. */
struct collet_gate
{
  int ruleset_fd; /* -1: none */
  int post_fd;    /* where it posts the listener of its filter, see collet-refusals.h; -1: nowhere */
};

/* In the child. Closes what is in `gate`. ConfinementUnavailable. */
bool collet_confinement_enter (const struct collet_confinement *confinement, bool network,
                               const struct collet_gate *gate, const struct collet_limits *limits,
                               struct collet_failure *failure);

#endif /* COLLET_CONFINEMENT_H */
