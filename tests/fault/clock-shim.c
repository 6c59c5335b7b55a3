/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A wall clock that is wrong, for tests: preloaded, it adds to the real time the
 * number of seconds that the file COLLET_TEST_CLOCK holds, as eight bytes. The file
 * is mapped, so the clock can be set while the process runs. The monotonic clock is
 * left alone.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__ ((visibility ("default")))

static const volatile int64_t *offset;

__attribute__ ((constructor)) static void
map_offset (void)
{
  const char *path = getenv ("COLLET_TEST_CLOCK");
  int fd = path != NULL ? open (path, O_RDONLY | O_CLOEXEC) : -1;
  void *mapped;

  if (fd < 0)
    return;
  mapped = mmap (NULL, sizeof *offset, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED)
    offset = mapped;
  close (fd);
}

EXPORT int
clock_gettime (clockid_t clock, struct timespec *to)
{
  static int (*next) (clockid_t, struct timespec *);
  int status;

  if (next == NULL)
    next = (int (*) (clockid_t, struct timespec *))dlsym (RTLD_NEXT, "clock_gettime");
  status = next (clock, to);
  if (status == 0 && offset != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    to->tv_sec += *offset;
  return status;
}

EXPORT int
gettimeofday (struct timeval *restrict to, void *restrict zone)
{
  struct timespec now;

  (void)zone;
  clock_gettime (CLOCK_REALTIME, &now);
  to->tv_sec = now.tv_sec;
  to->tv_usec = now.tv_nsec / 1000;
  return 0;
}

EXPORT time_t
time (time_t *to)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  if (to != NULL)
    *to = now.tv_sec;
  return now.tv_sec;
}
