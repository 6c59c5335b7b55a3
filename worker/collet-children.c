/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-children.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

bool
collet_children_is_full (const struct collet_children *children)
{
  return children->n >= COLLET_CHILDREN_MAX;
}

void
collet_children_add (struct collet_children *children, const struct collet_child *child)
{
  children->entries[children->n++] = *child;
}

struct collet_child *
collet_children_find (struct collet_children *children, pid_t pid)
{
  for (unsigned i = 0; i < children->n; i++)
    if (children->entries[i].pid == pid)
      return &children->entries[i];
  return NULL;
}

bool
collet_children_remove (struct collet_children *children, pid_t pid, struct collet_child *removed)
{
  for (unsigned i = 0; i < children->n; i++)
    if (children->entries[i].pid == pid)
      {
        *removed = children->entries[i];
        children->entries[i] = children->entries[--children->n];
        return true;
      }
  return false;
}

int64_t
collet_children_enforce (struct collet_children *children, int64_t now_us)
{
  int64_t next = INT64_MAX;

  for (unsigned i = 0; i < children->n; i++)
    {
      struct collet_child *child = &children->entries[i];

      if (child->deadline_us <= now_us)
        {
          /* Not reaped yet, so the pid is still its own. */
          kill (child->pid, SIGKILL);
          child->deadline_us = INT64_MAX;
        }
      else if (child->deadline_us < next)
        next = child->deadline_us;
    }
  return next;
}

void
collet_children_end (struct collet_children *children)
{
  for (unsigned i = 0; i < children->n; i++)
    kill (children->entries[i].pid, SIGKILL);
  while (waitpid (-1, NULL, 0) > 0 || errno == EINTR)
    ;
  children->n = 0;
}
