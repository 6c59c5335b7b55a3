/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-load-call.h: what the load client asks and how it judges the answer.
 * No sockets and no clock.
 */
#pragma once

#include "collet-load-http.h"

G_BEGIN_DECLS

typedef enum
{
  LOAD_ERA_LEGACY, /* initialize, a session, 2025-11-25 */
  LOAD_ERA_MODERN, /* 2026-07-28, no session */
  LOAD_ERA_RELAY,  /* a bare handler: only the POST */
} LoadEra;

typedef enum
{
  LOAD_TOOL_GIVEN,      /* --tool and --arguments; any result that is no error */
  LOAD_TOOL_ADD,        /* add {a, b}: structured {"result": a + b} */
  LOAD_TOOL_MEMORY_ADD, /* memory_add {value}: structured {"memory": new total} */
  LOAD_TOOL_MEMORY_GET, /* memory_get {}: structured {"memory": total} */
} LoadTool;

typedef struct
{
  char id[64]; /* "<run>-<connection>-<n>", unique */
  LoadTool tool;
  gint64 value;      /* ADD: the expected sum; MEMORY_ADD: what is added */
  gint64 a;          /* ADD: first summand */
  gint64 started_ns; /* CLOCK_MONOTONIC */
  gint64 ended_ns;
} LoadCall;

typedef struct
{
  /* "ok", or what kind of failure: "http-503", "json-rpc--32603-WorkerCrashed",
   * "is-error", "wrong-id", "wrong-value", "not-json", "closed", "timeout", ... */
  char outcome[64];
  gboolean is_answer; /* a reply with this call's id came, whatever it says */
  gboolean has_result;
  gint64 result; /* of the three known tools */
  gint64 generation;
  BenchSlice sha256, version; /* what answered, from _meta; borrowed from the reply */
  BenchSlice text;            /* what to show of a failure; likewise */
} LoadVerdict;

typedef struct
{
  LoadEra era;
  const LoadUrl *url;
  const char *given_tool;
  const char *given_arguments; /* JSON object */
} LoadDialect;

const char *load_tool_name (const LoadDialect *dialect, LoadTool tool);
/* What every request of a connection begins with, up to the headers that vary.
 * session: NULL before there is one. */
char *load_dialect_head (const LoadDialect *dialect, const char *session);
/* Replaces `out` by the whole request. */
void load_call_write (const LoadCall *call, const LoadDialect *dialect, const char *head, GString *out);
/* One initialize request, and the notification that follows its answer. */
void load_initialize_write (const LoadDialect *dialect, GString *out);
void load_initialized_write (const char *head, GString *out);

void load_call_judge (const LoadCall *call, const LoadResponse *response, LoadVerdict *verdict);

G_END_DECLS
