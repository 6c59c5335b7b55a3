/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "collet-probe.h"
#include "collet-report.h"
#include "collet-runtime.h"

/* One candidate that runs. */
struct trial
{
  struct collet_report report;
  const char *path;
  struct collet_runtime *runtime;
  bool is_stateful;
};

/* In a trial everything that fails, fails the validation; only what cannot be
 * loaded at all has a name of its own. */
static void
fail (struct trial *trial, struct collet_failure *failure)
{
  if (strcmp (failure->name, "InvalidModule") != 0 && strcmp (failure->name, "AbiMismatch") != 0)
    strcpy (failure->name, "ValidationFailed");
  collet_report_fail (&trial->report, failure);
}

static void
try_open (struct trial *trial)
{
  struct collet_failure failure;

  trial->runtime = collet_runtime_load (trial->path, &failure);
  if (trial->runtime == NULL)
    fail (trial, &failure);
  else
    collet_report_pass (&trial->report, "loaded, with all that it needs");
}

static void
try_abi (struct trial *trial)
{
  struct collet_failure failure;

  if (!collet_runtime_bind (trial->runtime, &failure))
    {
      fail (trial, &failure);
      return;
    }
  trial->is_stateful = collet_runtime_is_stateful (trial->runtime);
  collet_report_pass (&trial->report, "module ABI %d.%d or earlier", COLLET_ABI_MAJOR, COLLET_ABI_MINOR);
}

static void
try_init (struct trial *trial)
{
  struct collet_failure failure;

  if (!collet_runtime_init (trial->runtime, &failure))
    fail (trial, &failure);
  else
    collet_report_pass (&trial->report, "done");
}

static void
try_self_test (struct trial *trial)
{
  struct collet_failure failure;

  if (!collet_runtime_self_test (trial->runtime, &failure))
    fail (trial, &failure);
  else
    collet_report_pass (&trial->report, "%s",
                        collet_runtime_has_self_test (trial->runtime) ? "done" : "the module has none");
}

static void
try_export (struct trial *trial)
{
  struct collet_failure failure;
  struct collet_bytes state;

  if (!collet_runtime_is_stateful (trial->runtime))
    {
      collet_report_pass (&trial->report, "the module has no state");
      return;
    }
  if (!collet_runtime_export_state (trial->runtime, &state, &failure))
    {
      fail (trial, &failure);
      return;
    }
  collet_report_pass (&trial->report, "%zu bytes", state.size);
  free (state.bytes);
}

static void
try_unload (struct trial *trial)
{
  bool unloaded = false;

  collet_runtime_close (trial->runtime, &unloaded);
  trial->runtime = NULL;
  if (unloaded)
    collet_report_pass (&trial->report, "its code left memory");
  else
    collet_report_warn (&trial->report, "Run it in a worker, which ends with its code.",
                        "its code stays in memory after it was unloaded");
}

bool
collet_probe_run (const char *path, bool readable, bool brief, struct collet_buffer *report)
{
  static const struct
  {
    const char *name;
    void (*run) (struct trial *trial);
  } checks[] = {
    { "dlopen", try_open },         { "abi", try_abi },
    { "init", try_init },           { "self-test", try_self_test },
    { "export-state", try_export }, { "unload", try_unload },
  };
  struct trial trial = { .path = path };

  collet_report_begin (&trial.report, brief, report);
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
    {
      trial.report.check = checks[i].name;
      if (!readable || trial.report.has_failed)
        collet_report_skip (&trial.report);
      else
        checks[i].run (&trial);
    }
  if (trial.runtime != NULL)
    collet_runtime_close (trial.runtime, NULL);
  collet_report_end_checks (&trial.report);
  collet_buffer_append_text (report, trial.is_stateful ? ",\"stateful\":true" : ",\"stateful\":false");
  collet_report_end (&trial.report);
  return readable && !trial.report.has_failed;
}
