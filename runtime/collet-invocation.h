/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-invocation.h: the host's side of struct collet_call. Internal to the
 * runtime.
 */
#ifndef COLLET_INVOCATION_H
#define COLLET_INVOCATION_H

#include <pthread.h>

#include "collet-answer.h"
#include "collet-arena.h"
#include "collet-runtime.h"

struct collet_scratch
{
  struct collet_call call; /* first: the module's pointer is this struct's */
  const struct collet_request *request;
  const struct collet_sink *sink;
  /* A module may use its call from several threads. */
  pthread_mutex_t lock;
  struct collet_buffer input; /* tool, NUL, arguments, NUL */
  const char *arguments;
  size_t arguments_size;
  struct collet_arena strings;
  struct collet_answer answer;
  struct collet_buffer event;
  double last_progress;
};

extern const struct collet_call_ops collet_invocation_ops;

/* False without memory. `request` and `sink` are borrowed until the call is over. */
bool collet_invocation_begin (struct collet_scratch *scratch, const struct collet_request *request,
                              const struct collet_sink *sink);
/* Cancelled, late or stopping. */
bool collet_invocation_is_over (const struct collet_scratch *scratch);

/* Builds a log line's JSON; longer text is cut. */
void collet_invocation_format_log (struct collet_buffer *event, enum collet_level level, const char *logger,
                                   const char *text);

#endif /* COLLET_INVOCATION_H */
