/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A disk that is full or read-only, for tests without a file system of their
 * own: preloaded, it makes what writes below COLLET_TEST_FOLDER fail with the
 * error whose number is in the file COLLET_TEST_ERRNO, as long as that exists.
 */
/* Both names of each function are wanted, not one for the other. */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define EXPORT __attribute__ ((visibility ("default")))

/* 0: no fault now. */
static int
present_fault (void)
{
  const char *path = getenv ("COLLET_TEST_ERRNO");
  char text[16] = "";
  int fd = path != NULL ? (int)syscall (SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;

  if (fd < 0)
    return 0;
  if (read (fd, text, sizeof text - 1) < 0)
    text[0] = '\0';
  close (fd);
  return atoi (text);
}

static bool
is_below (const char *path)
{
  const char *folder = getenv ("COLLET_TEST_FOLDER");

  return folder != NULL && strncmp (path, folder, strlen (folder)) == 0;
}

static bool
is_fd_below (int fd)
{
  char link[64], path[PATH_MAX];
  ssize_t size;

  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  size = readlink (link, path, sizeof path - 1);
  if (size <= 0)
    return false;
  path[size] = '\0';
  return is_below (path);
}

/* Sets errno if writing to the fd fails now. */
static bool
fails_fd (int fd)
{
  int fault = present_fault ();

  if (fault == 0 || !is_fd_below (fd))
    return false;
  errno = fault;
  return true;
}

static bool
fails_path (const char *path)
{
  int fault = present_fault ();

  if (fault == 0 || !is_below (path))
    return false;
  errno = fault;
  return true;
}

#define NEXT(function) ((__typeof__ (&function))dlsym (RTLD_NEXT, #function))

EXPORT ssize_t
write (int fd, const void *data, size_t size)
{
  return fails_fd (fd) ? -1 : NEXT (write) (fd, data, size);
}

EXPORT ssize_t
pwrite (int fd, const void *data, size_t size, off_t offset)
{
  return fails_fd (fd) ? -1 : NEXT (pwrite) (fd, data, size, offset);
}

EXPORT ssize_t
pwrite64 (int fd, const void *data, size_t size, off64_t offset)
{
  return fails_fd (fd) ? -1 : NEXT (pwrite64) (fd, data, size, offset);
}

EXPORT int
ftruncate (int fd, off_t size)
{
  return fails_fd (fd) ? -1 : NEXT (ftruncate) (fd, size);
}

EXPORT int
fallocate (int fd, int mode, off_t offset, off_t size)
{
  return fails_fd (fd) ? -1 : NEXT (fallocate) (fd, mode, offset, size);
}

EXPORT ssize_t
copy_file_range (int from, off64_t *from_offset, int to, off64_t *to_offset, size_t size, unsigned flags)
{
  return fails_fd (to) ? -1 : NEXT (copy_file_range) (from, from_offset, to, to_offset, size, flags);
}

EXPORT int
mkdir (const char *path, mode_t mode)
{
  return fails_path (path) ? -1 : NEXT (mkdir) (path, mode);
}

/* Making a file is refused; opening one that is there is not. */
#define WRAP_OPEN(function)                                                                                  \
  EXPORT int function (const char *path, int flags, ...)                                                     \
  {                                                                                                          \
    mode_t mode = 0;                                                                                         \
                                                                                                             \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0)                                                                \
      {                                                                                                      \
        va_list arguments;                                                                                   \
                                                                                                             \
        va_start (arguments, flags);                                                                         \
        mode = va_arg (arguments, mode_t);                                                                   \
        va_end (arguments);                                                                                  \
      }                                                                                                      \
    if ((flags & O_CREAT) != 0 && access (path, F_OK) != 0 && fails_path (path))                             \
      return -1;                                                                                             \
    return NEXT (function) (path, flags, mode);                                                              \
  }

WRAP_OPEN (open)
WRAP_OPEN (open64)
