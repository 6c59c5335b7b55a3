/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

/* Opens and starts what it never closes or ends. */
#define MANY_FDS 64
#define MANY_THREADS 8

static int n_fds, n_threads;

static void *
idle (void *data)
{
  for (;;)
    pause ();
  return data;
}

static int
init (struct collet_context *context, void **instance)
{
  pthread_t thread;

  (void)context;
  (void)instance;
  while (n_fds < MANY_FDS && open ("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
    n_fds++;
  while (n_threads < MANY_THREADS && pthread_create (&thread, NULL, idle, NULL) == 0)
    n_threads++;
  return COLLET_OK;
}

static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  char json[64];

  (void)instance;
  (void)tool;
  snprintf (json, sizeof json, "{\"fds\":%d,\"threads\":%d}", n_fds, n_threads);
  collet_set_structured (call, json);
  return COLLET_OK;
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.init = init, .call = call_tool);
