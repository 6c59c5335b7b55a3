/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Out of the way of what a module opens, which is limited in number. */
#define HELD_FROM 1024

bool
collet_user_parse (const char *text, struct collet_user *user)
{
  unsigned uid, gid;
  int end = 0;

  if (sscanf (text, "%u:%u%n", &uid, &gid, &end) != 2 || text[end] != '\0' || uid == 0 || gid == 0)
    return false;
  *user = (struct collet_user){ uid, gid };
  return true;
}

bool
collet_user_prepare (const struct collet_user *user)
{
  return user->uid == 0 || setresuid (user->uid, (uid_t)-1, (uid_t)-1) == 0;
}

bool
collet_user_become (const struct collet_user *user, pid_t parent, struct collet_failure *failure)
{
  uid_t real, effective, saved;

  if (user->uid == 0)
    return true;
  if (setgroups (0, NULL) < 0 || setresgid (user->gid, user->gid, user->gid) < 0 ||
      setresuid (user->uid, user->uid, user->uid) < 0 || getresuid (&real, &effective, &saved) < 0 ||
      real != user->uid || effective != user->uid || saved != user->uid)
    return collet_failure_set (failure, "ConfinementUnavailable",
                               "Start the daemon with CAP_SETUID and CAP_SETGID, or without a worker-user.",
                               "A worker cannot become user %u: %s.", user->uid, strerror (errno));
  /* The change took that away. */
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != parent)
    _exit (0);
  return true;
}

const char *
collet_user_hold (const struct collet_user *user, const char *path, char *name)
{
  int fd = user->uid != 0 ? open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
  int held = fd >= 0 ? fcntl (fd, F_DUPFD_CLOEXEC, HELD_FROM) : -1;

  if (fd >= 0)
    close (fd);
  if (held < 0)
    return path;
  snprintf (name, COLLET_USER_NAME_MAX, "/proc/self/fd/%d", held);
  return name;
}
