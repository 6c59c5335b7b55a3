/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-runtime.h: loads one artifact with dlopen and speaks the module ABI.
 * Used by workers, by the probe and, for the in-process host, by the daemon, so
 * there is no GLib in it and nothing in it exits the process.
 *
 * Threads: collet_runtime_call may run in several threads at once, if the module
 * says that it is concurrent. Everything else by one thread at a time, and
 * export_state, import_state, fini and close only while no call runs. Different
 * runtimes are independent.
 *
 * A module that crashes takes the process with it: that is what workers are for.
 */
#ifndef COLLET_RUNTIME_H
#define COLLET_RUNTIME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collet-failure.h"
#include "collet-module.h"

struct collet_runtime;

/* dlopen (RTLD_NOW | RTLD_LOCAL) of an immutable file, at a path of its own: a
 * version that is in memory already, under this name or another, is refused,
 * because the loader would hand out the old one with its data. Constructors of
 * the module run here. Then the descriptor is found and checked.
 * NULL: InvalidModule, AbiMismatch, ValidationFailed (in memory already). */
struct collet_runtime *collet_runtime_open (const char *path, struct collet_failure *failure);

/* The two steps of it, for the probe: dlopen, and the descriptor. close after load,
 * also if bind fails. */
struct collet_runtime *collet_runtime_load (const char *path, struct collet_failure *failure);
bool collet_runtime_bind (struct collet_runtime *runtime, struct collet_failure *failure);

/* Unloads it, after fini; `unloaded` (may be NULL) says whether the code really
 * left memory (it stays with NODELETE, unique symbols, live thread-locals). */
void collet_runtime_close (struct collet_runtime *runtime, bool *unloaded);

/* The module has export_state and import_state, code_change, self_test. */
bool collet_runtime_is_stateful (const struct collet_runtime *runtime);
bool collet_runtime_has_code_change (const struct collet_runtime *runtime);
bool collet_runtime_has_self_test (const struct collet_runtime *runtime);

/* What the module says while it runs; from any thread that the module has, but
 * never two at a time for one call. Either function may be NULL. The text is
 * borrowed for the duration of the callback: JSON as in COLLET_FRAME_PROGRESS
 * and COLLET_FRAME_LOG. */
struct collet_sink
{
  void (*progress) (void *user_data, const char *json, size_t size);
  void (*log) (void *user_data, enum collet_level level, const char *json, size_t size);
  void *user_data;
};

/* Where log lines outside calls go from now on; copied. NULL: nowhere. */
void collet_runtime_set_sink (struct collet_runtime *runtime, const struct collet_sink *sink);

/* Once, first. ValidationFailed with the module's reason. */
bool collet_runtime_init (struct collet_runtime *runtime, struct collet_failure *failure);
/* Once, last; nothing if init was not called or failed. */
void collet_runtime_fini (struct collet_runtime *runtime);

/* SelfTestFailed; true if the module has none. */
bool collet_runtime_self_test (struct collet_runtime *runtime, struct collet_failure *failure);

/* What a module wrote; at most COLLET_WIRE_MAX bytes; NUL-terminated past the
 * size. The caller frees `bytes` with free(); never NULL on success. */
struct collet_bytes
{
  char *bytes;
  size_t size;
};

/* StateMigrationFailed with the module's reason. */
bool collet_runtime_export_state (struct collet_runtime *runtime, struct collet_bytes *state,
                                  struct collet_failure *failure);
bool collet_runtime_import_state (struct collet_runtime *runtime, const void *bytes, size_t size,
                                  struct collet_failure *failure);
/* Pure; also possible before init. */
bool collet_runtime_code_change (struct collet_runtime *runtime, enum collet_direction direction,
                                 uint32_t format, const void *bytes, size_t size, struct collet_bytes *state,
                                 struct collet_failure *failure);

/* Buffers of one thread that calls, kept from call to call so that a call costs
 * no allocation. */
struct collet_scratch;
struct collet_scratch *collet_scratch_new (void); /* NULL: no memory */
void collet_scratch_free (struct collet_scratch *scratch);

struct collet_request
{
  const char *tool; /* need not be NUL-terminated, nor the arguments; copied */
  size_t tool_size;
  const char *arguments; /* one JSON object that was checked; size 0: {} */
  size_t arguments_size;
  int64_t deadline_us; /* CLOCK_MONOTONIC; INT64_MAX: none */
  bool wants_progress;
  int log_level;                /* enum collet_level or COLLET_LOG_NONE */
  const atomic_bool *cancelled; /* may be NULL; read until the call returns */
  const atomic_bool *stopping;  /* likewise: the second reason to stop */
  unsigned questions;           /* what the client can be asked: 1 << enum collet_question */
  const char *replies;          /* {"<key>":{...}}, checked JSON; size 0: none. Copied */
  size_t replies_size;
  const char *state; /* from the call that asked; size 0: none. Copied */
  size_t state_size;
  const char *trace; /* correlation id; size 0: none. Copied */
  size_t trace_size;
};

struct collet_result
{
  int status;       /* enum collet_status */
  const char *json; /* {"content":[...],"structuredContent":...,"isError":true}, or
                       questions, as in COLLET_FRAME_RESULT;
                       borrowed from the scratch until its next call */
  size_t size;      /* at most COLLET_WIRE_MAX */
};

/* Runs one call in this thread. A call that is cancelled or late before it
 * starts is not run: COLLET_CANCELLED. `sink` may be NULL. structuredContent is
 * passed on as the module gave it: whoever reads the result checks it. */
void collet_runtime_call (struct collet_runtime *runtime, struct collet_scratch *scratch,
                          const struct collet_request *request, const struct collet_sink *sink,
                          struct collet_result *result);

#endif /* COLLET_RUNTIME_H */
