/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * dlopen-many FILE...: raw dlopen and dlsym of the given shared objects; prints
 * the milliseconds that all took together. What loading costs with no checks at
 * all.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "collet-module.h"

static double
now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int
main (int argc, char **argv)
{
  double begun;

  if (argc < 2)
    {
      fprintf (stderr, "usage: dlopen-many FILE...\n");
      return 2;
    }
  begun = now_ms ();
  for (int i = 1; i < argc; i++)
    {
      void *handle = dlopen (argv[i], RTLD_NOW | RTLD_LOCAL);

      if (handle == NULL || dlsym (handle, COLLET_MODULE_SYMBOL) == NULL)
        {
          fprintf (stderr, "%s: %s\n", argv[i], dlerror ());
          return 1;
        }
    }
  printf ("%.3f\n", now_ms () - begun);
  return 0;
}
