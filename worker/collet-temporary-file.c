/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * tmpfile() of modules and of the libraries that they use: a worker can write into
 * no folder, so it is a file in memory, within the worker's limits. The program
 * exports it, and so goes before the C library.
 */
#undef _FILE_OFFSET_BITS /* which makes one name of the two */

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORTED __attribute__ ((visibility ("default")))

EXPORTED FILE *
tmpfile (void)
{
  int fd = memfd_create ("tmpfile", MFD_CLOEXEC);
  FILE *file = fd >= 0 ? fdopen (fd, "w+") : NULL;

  if (file == NULL && fd >= 0)
    close (fd);
  return file;
}

EXPORTED FILE *
tmpfile64 (void)
{
  return tmpfile ();
}
