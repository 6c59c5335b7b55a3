/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Beside those that a module may start: executors, control. */
#define OWN_THREADS 64

struct collet_cgroup
{
  char *folder;
  bool has_complained;
};

/* ---- files of a group ---- */

static int
open_in (const char *folder, const char *name)
{
  char path[PATH_MAX];

  if (snprintf (path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
    {
      errno = ENAMETOOLONG;
      return -1;
    }
  return open (path, O_WRONLY | O_CLOEXEC);
}

static bool
write_to (const char *folder, const char *name, const char *text)
{
  int fd = open_in (folder, name);
  bool is_written;
  int error;

  if (fd < 0)
    return false;
  is_written = write (fd, text, strlen (text)) == (ssize_t)strlen (text);
  error = errno;
  close (fd);
  errno = error;
  return is_written;
}

static bool
write_number (const char *folder, const char *name, uint64_t number)
{
  char text[32];

  snprintf (text, sizeof text, "%" PRIu64, number);
  return write_to (folder, name, text);
}

/* ---- ours ---- */

/* The line of version 2 in /proc/self/cgroup: "0::/system.slice/colletd.service". */
static bool
read_own_path (char *path, size_t size)
{
  FILE *file = fopen ("/proc/self/cgroup", "re");
  char line[PATH_MAX];
  bool found = false;

  if (file == NULL)
    return false;
  while (!found && fgets (line, sizeof line, file) != NULL)
    if (strncmp (line, "0::/", 4) == 0)
      {
        line[strcspn (line, "\n")] = '\0';
        found = snprintf (path, size, "/sys/fs/cgroup%s", line + 3) < (int)size;
      }
  fclose (file);
  return found;
}

char *
collet_cgroup_find (void)
{
  char path[PATH_MAX], mark[2] = "";

  /* systemd's way to say that it keeps its hands off what is below. */
  if (!read_own_path (path, sizeof path) || getxattr (path, "user.delegate", mark, sizeof mark) != 1 ||
      mark[0] != '1')
    return NULL;
  return strdup (path);
}

static bool
take_over (const char *folder, pid_t daemon)
{
  char own[PATH_MAX];

  return snprintf (own, sizeof own, "%s/daemon", folder) < (int)sizeof own &&
         (mkdir (own, 0755) == 0 || errno == EEXIST) &&
         write_number (own, "cgroup.procs", (uint64_t)daemon) &&
         write_number (own, "cgroup.procs", (uint64_t)getpid ()) &&
         write_to (folder, "cgroup.subtree_control", "+memory +pids");
}

struct collet_cgroup *
collet_cgroup_new (char *folder, pid_t daemon)
{
  struct collet_cgroup *self = folder != NULL ? calloc (1, sizeof *self) : NULL;

  if (self != NULL && take_over (folder, daemon))
    {
      self->folder = folder;
      return self;
    }
  if (folder != NULL)
    fprintf (
        stderr,
        "collet-worker: Workers get no control groups of their own: %s cannot be shared out: %s. Limits of "
        "address space, files and time hold; the unit's limits bound all workers together.\n",
        folder, strerror (errno));
  free (folder);
  free (self);
  return NULL;
}

void
collet_cgroup_free (struct collet_cgroup *self)
{
  if (self == NULL)
    return;
  free (self->folder);
  free (self);
}

/* ---- a child's ---- */

static bool
name_group (const struct collet_cgroup *self, uint64_t id, char *path, size_t size)
{
  return snprintf (path, size, "%s/worker-%" PRIu64, self->folder, id) < (int)size;
}

/* What is not limited stays at "max". Without swap there is no file for it. */
static bool
limit (const char *folder, const struct collet_limits *limits)
{
  if (limits->address_space > 0 && !write_number (folder, "memory.max", limits->address_space))
    return false;
  if (limits->address_space > 0 && !write_number (folder, "memory.swap.max", limits->address_space) &&
      errno != ENOENT)
    return false;
  return write_number (folder, "pids.max", (uint64_t)limits->threads + OWN_THREADS);
}

int
collet_cgroup_make (struct collet_cgroup *self, uint64_t id, const struct collet_limits *limits)
{
  char path[PATH_MAX];
  int fd = -1;

  if (self == NULL || !name_group (self, id, path, sizeof path))
    return -1;
  if ((mkdir (path, 0755) == 0 || errno == EEXIST) && limit (path, limits))
    fd = open_in (path, "cgroup.procs");
  if (fd < 0 && !self->has_complained)
    {
      self->has_complained = true;
      fprintf (stderr, "collet-worker: %s: a control group cannot be made: %s. Workers run without.\n", path,
               strerror (errno));
    }
  return fd;
}

bool
collet_cgroup_enter (int fd)
{
  return write (fd, "0", 1) == 1;
}

void
collet_cgroup_remove (struct collet_cgroup *self, uint64_t id)
{
  char path[PATH_MAX];

  /* It takes no others with it, and one that is busy stays until the service ends. */
  if (self != NULL && name_group (self, id, path, sizeof path))
    (void)rmdir (path);
}
