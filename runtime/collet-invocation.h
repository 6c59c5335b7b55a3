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
#include "collet-arguments.h"
#include "collet-runtime.h"
#include "collet-wire.h"

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
  struct collet_buffer returned; /* what came back for questions: replies, NUL, state */
  size_t replies_size;
  size_t state_size;
  struct collet_buffer event;
  char trace[COLLET_TRACE_MAX + 1]; /* "": none */
  double last_progress;
};

extern const struct collet_call_ops collet_invocation_ops;

/* False without memory. `request` and `sink` are borrowed until the call is over. */
bool collet_invocation_begin (struct collet_scratch *scratch, const struct collet_request *request,
                              const struct collet_sink *sink);
/* Cancelled, late or stopping. */
bool collet_invocation_is_over (const struct collet_scratch *scratch);

/* The host's functions about questions; see collet-question.c. */
bool collet_question_can_ask (struct collet_call *call, enum collet_question question);
void collet_question_ask (struct collet_call *call, enum collet_question question, const char *key,
                          const char *params, size_t size);
enum collet_reply collet_question_get_reply (struct collet_call *call, const char *key);
bool collet_question_get_reply_string (struct collet_call *call, const char *key, const char *path,
                                       const char **value, size_t *size);
bool collet_question_get_reply_json (struct collet_call *call, const char *key, const char *path,
                                     const char **value, size_t *size);
void collet_question_set_state (struct collet_call *call, const void *bytes, size_t size);
bool collet_question_get_state (struct collet_call *call, const void **bytes, size_t *size);

/* A NUL-terminated copy that lives as long as the call; as the getters give it. */
bool collet_invocation_give (struct collet_scratch *scratch, const struct collet_slice *slice, bool unescape,
                             const char **value, size_t *size);

/* Builds a log line's JSON; longer text is cut. */
void collet_invocation_format_log (struct collet_buffer *event, enum collet_level level, const char *logger,
                                   const char *text);

#endif /* COLLET_INVOCATION_H */
