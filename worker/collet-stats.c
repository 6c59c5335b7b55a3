/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-stats.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int status_fd = -1;
static int folder_fd = -1;

void
collet_stats_open (void)
{
  status_fd = open ("/proc/self/status", O_RDONLY | O_CLOEXEC);
  folder_fd = open ("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The number after "\nname:". */
static uint64_t
read_field (const char *status, const char *name)
{
  const char *found = strstr (status, name);

  return found != NULL ? strtoull (found + strlen (name), NULL, 10) : 0;
}

static uint32_t
count_fds (void)
{
  _Alignas(struct dirent64) char entries[4096];
  uint32_t n = 0;
  ssize_t size;

  if (folder_fd < 0 || lseek (folder_fd, 0, SEEK_SET) < 0)
    return 0;
  while ((size = getdents64 (folder_fd, entries, sizeof entries)) > 0)
    for (ssize_t at = 0; at < size;)
      {
        const struct dirent64 *entry = (const struct dirent64 *)(const void *)(entries + at);

        n += entry->d_name[0] != '.';
        at += entry->d_reclen;
      }
  return n;
}

void
collet_stats_read (struct collet_worker_stats *stats)
{
  char status[4096];
  ssize_t size = status_fd >= 0 ? pread (status_fd, status, sizeof status - 1, 0) : -1;

  memset (stats, 0, sizeof *stats);
  if (size <= 0)
    return;
  status[size] = '\0';
  stats->threads = (uint32_t)read_field (status, "\nThreads:");
  stats->resident = read_field (status, "\nVmRSS:") * 1024;
  stats->fds = count_fds ();
}
