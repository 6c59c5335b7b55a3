/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collet-context.h"
#include "collet-invocation.h"
#include "collet-library.h"
#include "collet-wire.h"

struct collet_runtime
{
  char *path;
  void *handle;
  struct collet_module module;
  void *instance;
  bool initialized;
  bool has_sink;
  struct collet_sink sink;
};

struct collet_runtime *
collet_runtime_load (const char *path, struct collet_failure *failure)
{
  struct collet_runtime *runtime = calloc (1, sizeof *runtime);

  if (runtime != NULL)
    runtime->path = strdup (path);
  if (runtime == NULL || runtime->path == NULL)
    {
      free (runtime);
      collet_failure_set (failure, "Failed", "", "There is no memory left to load a module.");
      return NULL;
    }
  runtime->handle = collet_library_open (path, failure);
  if (runtime->handle != NULL)
    return runtime;
  free (runtime->path);
  free (runtime);
  return NULL;
}

bool
collet_runtime_bind (struct collet_runtime *runtime, struct collet_failure *failure)
{
  return collet_library_bind (runtime->handle, &runtime->module, failure);
}

struct collet_runtime *
collet_runtime_open (const char *path, struct collet_failure *failure)
{
  struct collet_runtime *runtime = collet_runtime_load (path, failure);

  if (runtime == NULL || collet_runtime_bind (runtime, failure))
    return runtime;
  collet_runtime_close (runtime, NULL);
  return NULL;
}

void
collet_runtime_close (struct collet_runtime *runtime, bool *unloaded)
{
  bool left;

  collet_runtime_fini (runtime);
  left = collet_library_close (runtime->handle, runtime->path);
  if (unloaded != NULL)
    *unloaded = left;
  free (runtime->path);
  free (runtime);
}

bool
collet_runtime_is_stateful (const struct collet_runtime *runtime)
{
  return runtime->module.export_state != NULL && runtime->module.import_state != NULL;
}

bool
collet_runtime_has_code_change (const struct collet_runtime *runtime)
{
  return runtime->module.code_change != NULL;
}

bool
collet_runtime_has_self_test (const struct collet_runtime *runtime)
{
  return runtime->module.self_test != NULL;
}

void
collet_runtime_set_sink (struct collet_runtime *runtime, const struct collet_sink *sink)
{
  runtime->has_sink = sink != NULL;
  if (sink != NULL)
    runtime->sink = *sink;
}

static void
begin (struct collet_runtime *runtime, struct collet_context_host *host)
{
  collet_context_host_init (host, runtime->has_sink ? &runtime->sink : NULL);
}

/* Ends a step that only succeeds or fails. */
static bool
end (struct collet_context_host *host, int status, const char *error, const char *step, const char *remedy,
     struct collet_failure *failure)
{
  if (status != COLLET_OK)
    collet_failure_set (failure, error, remedy, "The module's %s failed: %s.", step,
                        collet_context_host_get_reason (host));
  collet_context_host_clear (host);
  return status == COLLET_OK;
}

/* Ends a step that writes bytes. */
static bool
end_with_output (struct collet_context_host *host, int status, const char *step, const char *remedy,
                 struct collet_bytes *state, struct collet_failure *failure)
{
  if (status != COLLET_OK)
    return end (host, status, "StateMigrationFailed", step, remedy, failure);
  if (host->output.overflowed)
    {
      collet_context_host_clear (host);
      return collet_failure_set (failure, "StateMigrationFailed",
                                 "Keep large data in files, not in the state.",
                                 "The module's %s wrote more than the %u MiB that a state may have.", step,
                                 COLLET_WIRE_MAX >> 20);
    }
  state->bytes = collet_buffer_steal (&host->output, &state->size);
  collet_context_host_clear (host);
  if (state->bytes == NULL)
    return collet_failure_set (failure, "StateMigrationFailed", "",
                               "There was no memory left for the state.");
  return true;
}

static bool
lacks (const char *function, struct collet_failure *failure)
{
  return collet_failure_set (failure, "StateMigrationFailed", "Set it in COLLET_MODULE (...).",
                             "The module has no %s function.", function);
}

bool
collet_runtime_init (struct collet_runtime *runtime, struct collet_failure *failure)
{
  struct collet_context_host host;
  int status = COLLET_OK;

  begin (runtime, &host);
  if (runtime->module.init != NULL)
    status = runtime->module.init (&host.context, &runtime->instance);
  runtime->initialized = status == COLLET_OK;
  return end (&host, status, "ValidationFailed", "init", "", failure);
}

void
collet_runtime_fini (struct collet_runtime *runtime)
{
  if (runtime->initialized && runtime->module.fini != NULL)
    runtime->module.fini (runtime->instance);
  runtime->initialized = false;
  runtime->instance = NULL;
}

bool
collet_runtime_self_test (struct collet_runtime *runtime, struct collet_failure *failure)
{
  struct collet_context_host host;
  int status = COLLET_OK;

  begin (runtime, &host);
  if (runtime->module.self_test != NULL)
    status = runtime->module.self_test (runtime->instance, &host.context);
  return end (&host, status, "SelfTestFailed", "self_test", "", failure);
}

bool
collet_runtime_export_state (struct collet_runtime *runtime, struct collet_bytes *state,
                             struct collet_failure *failure)
{
  struct collet_context_host host;
  int status;

  if (runtime->module.export_state == NULL)
    return lacks ("export_state", failure);
  begin (runtime, &host);
  status = runtime->module.export_state (runtime->instance, &host.context);
  return end_with_output (&host, status, "export_state", "", state, failure);
}

bool
collet_runtime_import_state (struct collet_runtime *runtime, const void *bytes, size_t size,
                             struct collet_failure *failure)
{
  struct collet_context_host host;
  int status;

  if (runtime->module.import_state == NULL)
    return lacks ("import_state", failure);
  begin (runtime, &host);
  status = runtime->module.import_state (runtime->instance, &host.context, bytes, size);
  return end (&host, status, "StateMigrationFailed", "import_state", "", failure);
}

bool
collet_runtime_code_change (struct collet_runtime *runtime, enum collet_direction direction, uint32_t format,
                            const void *bytes, size_t size, struct collet_bytes *state,
                            struct collet_failure *failure)
{
  struct collet_context_host host;
  char step[64];
  int status;

  if (runtime->module.code_change == NULL)
    return lacks ("code_change", failure);
  begin (runtime, &host);
  status = runtime->module.code_change (&host.context, direction, format, bytes, size);
  snprintf (step, sizeof step, "code_change %s format %u", direction == COLLET_UP ? "up from" : "down to",
            format);
  return end_with_output (&host, status, step, "", state, failure);
}

static void
answer_not_run (struct collet_result *result)
{
  static const char json[] = "{\"content\":[],\"isError\":true}";

  *result = (struct collet_result){ COLLET_CANCELLED, json, sizeof json - 1 };
}

static void
answer_no_memory (struct collet_result *result)
{
  static const char json[] =
      "{\"content\":[{\"type\":\"text\",\"text\":\"There was no memory left to run the tool.\"}],"
      "\"isError\":true}";

  *result = (struct collet_result){ COLLET_FAILED, json, sizeof json - 1 };
}

/* False: the call is over, after all, with an error that says why. */
static bool
settle_questions (struct collet_answer *answer, struct collet_result *result)
{
  static const char nothing[] = "The tool wants input, but it asked nothing.";
  static const char too_much[] =
      "The tool asks for too much at a time: more than 1 MiB of questions, or more "
      "than 64 KiB of state.";
  const char *complaint = nothing;

  if (answer->n_questions > 0)
    {
      result->json = collet_answer_finish_questions (answer, &result->size);
      result->status = COLLET_INPUT_REQUIRED;
      if (result->json != NULL)
        return true;
      complaint = too_much;
    }
  collet_answer_add_text (answer, complaint, strlen (complaint));
  return false;
}

/* What the module returned, and what it said, made one. */
static void
settle (struct collet_answer *answer, int status, struct collet_result *result)
{
  static const char silent[] = "The tool failed without saying why.";

  if (status == COLLET_INPUT_REQUIRED && settle_questions (answer, result))
    return;
  if (status != COLLET_OK && status != COLLET_CANCELLED)
    status = COLLET_FAILED;
  if (status == COLLET_FAILED && !answer->has_content && !answer->has_structured)
    collet_answer_add_text (answer, silent, sizeof silent - 1);
  if (status != COLLET_OK)
    answer->is_error = true;
  result->json = collet_answer_finish (answer, &result->size);
  result->status = answer->is_error && status == COLLET_OK ? COLLET_FAILED : status;
  if (result->json == NULL)
    answer_no_memory (result);
}

void
collet_runtime_call (struct collet_runtime *runtime, struct collet_scratch *scratch,
                     const struct collet_request *request, const struct collet_sink *sink,
                     struct collet_result *result)
{
  int status;

  if (!collet_invocation_begin (scratch, request, sink))
    answer_no_memory (result);
  else if (collet_invocation_is_over (scratch))
    answer_not_run (result);
  else
    {
      status = runtime->module.call (runtime->instance, scratch->input.bytes, &scratch->call);
      settle (&scratch->answer, status, result);
    }
  scratch->request = NULL;
  scratch->sink = NULL;
}
