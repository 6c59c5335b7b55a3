/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-user.h: children that run as another user than the fork server. It takes
 * CAP_SETUID and CAP_SETGID, which end with the change.
 */
#ifndef COLLET_USER_H
#define COLLET_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "collet-failure.h"

struct collet_user
{
  uid_t uid; /* 0: children keep the fork server's */
  gid_t gid;
};

/* "UID:GID", numbers but 0. */
bool collet_user_parse (const char *text, struct collet_user *user);

/* In the fork server, once: who has that user as its real one may end its
 * processes, without a capability for it. */
bool collet_user_prepare (const struct collet_user *user);

/* In the child: for good, with no other groups. Exits if the fork server `parent`
 * is gone. ConfinementUnavailable. */
bool collet_user_become (const struct collet_user *user, pid_t parent, struct collet_failure *failure);

/* In the child, before it changes: opens a file that the user may not find by its
 * name, and returns a name by which it can. `name` has COLLET_USER_NAME_MAX bytes.
 * What cannot be opened keeps its name. */
#define COLLET_USER_NAME_MAX 32
const char *collet_user_hold (const struct collet_user *user, const char *path, char *name);

#endif /* COLLET_USER_H */
