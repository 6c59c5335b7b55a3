/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-context.h: the host's side of struct collet_context. Internal to the
 * runtime.
 */
#ifndef COLLET_CONTEXT_H
#define COLLET_CONTEXT_H

#include <pthread.h>

#include "collet-buffer.h"
#include "collet-runtime.h"

struct collet_context_host
{
  struct collet_context context; /* first: the module's pointer is this struct's */
  const struct collet_sink *sink;
  pthread_mutex_t lock;
  struct collet_buffer output; /* what the module wrote */
  struct collet_buffer event;
  char reason[1024]; /* "" if it gave none */
};

void collet_context_host_init (struct collet_context_host *host, const struct collet_sink *sink);
void collet_context_host_clear (struct collet_context_host *host);
/* The module's reason, or words that say that it gave none. */
const char *collet_context_host_get_reason (const struct collet_context_host *host);

#endif /* COLLET_CONTEXT_H */
