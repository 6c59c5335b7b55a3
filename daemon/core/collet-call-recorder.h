/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-call-recorder.h: the last calls of read-only tools with their answers,
 * to be asked again of a version that is to come. In memory alone, as they may
 * hold anybody's data; bounded in number and size; only if it is switched on.
 * Thread-safe.
 *
 * Redaction, by the names of members, at any depth, also in text that is JSON
 * itself, and in any case of letters: a call whose arguments have one is not recorded, since without it it
 * would be another call; in an answer its value is replaced, and so not compared.
 */
#pragma once

#include "collet-tool-list.h"

G_BEGIN_DECLS

#define COLLET_RECORDED_CALL_MAX (64u * 1024u)          /* bytes of arguments and answer */
#define COLLET_RECORDED_MODULE_MAX (4u * 1024u * 1024u) /* bytes of one module */
#define COLLET_RECORDED_TOTAL_MAX (64u * 1024u * 1024u) /* bytes of all */

typedef struct _ColletCallRecorder ColletCallRecorder;

/* `max_calls` of a module, at least 1. redact: NULL for the usual names of secrets. */
ColletCallRecorder *collet_call_recorder_new (guint max_calls, const char *const *redact);
void collet_call_recorder_free (ColletCallRecorder *self);

/* A call that the tool answered: `json` as the module gave it. NULL is allowed for
 * self: nothing happens. */
void collet_call_recorder_add (ColletCallRecorder *self, const ColletToolEntry *entry, const char *arguments,
                               gsize arguments_size, const char *json, gsize json_size);

typedef struct
{
  char *tool;      /* the module's own name of it */
  char *arguments; /* JSON object */
  char *answer;    /* canonical JSON, redacted, without _meta */
} ColletRecordedCall;

void collet_recorded_call_free (ColletRecordedCall *call);

/* The newest `limit` of a module (tool: NULL for any), the oldest of these first. */
GPtrArray *
collet_call_recorder_list (ColletCallRecorder *self, const char *module, const char *tool, guint limit);
/* An answer as it would be recorded. */
char *collet_call_recorder_dup_answer (ColletCallRecorder *self, const ColletJson *json);

G_END_DECLS
