/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-runtime.h"
#include "collet-wire.h"

#include "collet-inproc-steps.h"

#include "collet-error.h"

typedef struct
{
  ColletMailbox *mailbox;
  ColletInprocRequest request;
  char *path;
  ColletInprocOutcome outcome;
  ColletInprocOutcomeFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} Step;

static void
step_free (gpointer data)
{
  Step *step = data;

  step->destroy (step->user_data);
  g_clear_pointer (&step->request.payload, g_bytes_unref);
  g_clear_pointer (&step->outcome.bytes, g_bytes_unref);
  g_clear_error (&step->outcome.error);
  g_free (step->path);
  g_free (step);
}

static void
deliver (gpointer data)
{
  Step *step = data;

  step->func (step->user_data, &step->outcome);
}

static GError *
make_error (const struct collet_failure *failure)
{
  ColletError code = COLLET_ERROR_FAILED;

  collet_error_from_name (failure->name, &code);
  return g_error_new (COLLET_ERROR, (int)code, "%s%s%s", failure->message,
                      failure->remedy[0] != '\0' ? " " : "", failure->remedy);
}

static gboolean
import (struct collet_runtime *runtime, GBytes *payload, struct collet_failure *failure)
{
  gsize size = 0;
  const void *bytes = payload != NULL ? g_bytes_get_data (payload, &size) : NULL;

  return collet_runtime_import_state (runtime, bytes != NULL ? bytes : "", size, failure);
}

static void
run_open (Step *step)
{
  struct collet_failure failure;
  struct collet_runtime *runtime = collet_runtime_open (step->path, &failure);

  if (runtime == NULL)
    {
      step->outcome.error = make_error (&failure);
      return;
    }
  if (collet_runtime_init (runtime, &failure) &&
      (step->request.payload == NULL || import (runtime, step->request.payload, &failure)))
    {
      step->outcome.runtime = runtime;
      return;
    }
  step->outcome.error = make_error (&failure);
  collet_runtime_fini (runtime);
  collet_runtime_close (runtime, NULL);
}

static gboolean
run_frame (Step *step, struct collet_bytes *bytes, struct collet_failure *failure)
{
  const ColletInprocRequest *request = &step->request;
  gsize size = 0;
  const void *payload = request->payload != NULL ? g_bytes_get_data (request->payload, &size) : NULL;

  switch (request->frame_type)
    {
    case COLLET_FRAME_SELF_TEST:
      return collet_runtime_self_test (request->runtime, failure);
    case COLLET_FRAME_EXPORT_STATE:
      return collet_runtime_export_state (request->runtime, bytes, failure);
    case COLLET_FRAME_IMPORT_STATE:
      return import (request->runtime, request->payload, failure);
    case COLLET_FRAME_CODE_CHANGE:
      return collet_runtime_code_change (request->runtime, (enum collet_direction)request->status,
                                         request->detail, payload != NULL ? payload : "", size, bytes,
                                         failure);
    default:
      return collet_failure_set (failure, "NotSupported", "", "Step %u is not known.", request->frame_type);
    }
}

static void
run (gpointer data, struct collet_scratch *scratch)
{
  Step *step = data;
  struct collet_bytes bytes = { NULL, 0 };
  struct collet_failure failure;
  bool unloaded = false;

  if (step->request.kind == COLLET_INPROC_OPEN)
    run_open (step);
  else if (step->request.kind == COLLET_INPROC_CLOSE)
    {
      collet_runtime_fini (step->request.runtime);
      collet_runtime_close (step->request.runtime, &unloaded);
      step->outcome.unloaded = unloaded;
    }
  else if (run_frame (step, &bytes, &failure))
    step->outcome.bytes = g_bytes_new_with_free_func (bytes.bytes != NULL ? bytes.bytes : "", bytes.size,
                                                      (GDestroyNotify)free, bytes.bytes);
  else
    step->outcome.error = g_error_new_literal (COLLET_ERROR, COLLET_ERROR_FAILED, failure.message);
  collet_mailbox_post (step->mailbox, deliver, step, step_free);
}

void
collet_inproc_steps_push (ColletInprocPool *pool, ColletMailbox *mailbox, const ColletInprocRequest *request,
                          ColletInprocOutcomeFunc func, gpointer user_data, GDestroyNotify destroy)
{
  Step *step = g_new0 (Step, 1);

  step->mailbox = mailbox;
  step->request = *request;
  step->path = g_strdup (request->path);
  if (request->payload != NULL)
    g_bytes_ref (request->payload);
  step->func = func;
  step->user_data = user_data;
  step->destroy = destroy;
  collet_inproc_pool_push (pool, run, step, TRUE);
}
