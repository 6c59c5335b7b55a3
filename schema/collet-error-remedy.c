/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-error-remedy.h"

#include <string.h>

#include <glib/gi18n.h>

/* In the order of the enumeration. */
static const struct
{
  ColletError code;
  const char *meaning; /* both to be translated where people read them */
  const char *remedy;
} remedies[] = {
  { COLLET_ERROR_FAILED, N_ ("Something failed that should not have."),
    N_ ("This is a fault in Collet. Look at the daemon's log and report it.") },
  { COLLET_ERROR_NOT_SUPPORTED, N_ ("This is not supported here."),
    N_ ("This version of the daemon cannot do that yet. Use a newer one.") },
  { COLLET_ERROR_NOT_AUTHORIZED, N_ ("You may not do this."),
    N_ ("Ask an administrator for the permission, or for read access to the file.") },
  { COLLET_ERROR_INVALID_ARGUMENT, N_ ("An argument is wrong."), N_ ("Correct the argument and try again.") },
  { COLLET_ERROR_CANCELLED, N_ ("It was cancelled."),
    N_ ("Nothing was changed. Start it again if that was not intended.") },
  { COLLET_ERROR_TIMEOUT, N_ ("It took too long."),
    N_ ("It may still be under way. Look at its state before you repeat it.") },
  { COLLET_ERROR_ARTIFACT_NOT_FOUND, N_ ("There is no such module file."),
    N_ ("Give the path of a shared object, or the name of one in the module path.") },
  { COLLET_ERROR_ARTIFACT_TOO_LARGE, N_ ("The module file is too large."),
    N_ ("Strip debug information from the module, or raise the limit in the configuration.") },
  { COLLET_ERROR_ARTIFACT_CHANGED, N_ ("The module file changed while it was read."),
    N_ ("Finish writing the file first: write it aside, then rename it.") },
  { COLLET_ERROR_INTEGRITY_FAILED, N_ ("Stored bytes do not have their hash any more."),
    N_ ("Check the disk, remove the damaged artifact from the store and load it again from its source.") },
  { COLLET_ERROR_INVALID_MODULE, N_ ("The file is not a module for this machine."),
    N_ ("Build it as a shared object for this machine with the collet-module SDK.") },
  { COLLET_ERROR_INVALID_MANIFEST, N_ ("The module's manifest is wrong."),
    N_ ("Correct the manifest that is embedded in the module and build it again.") },
  { COLLET_ERROR_ABI_MISMATCH, N_ ("The module was built for another version of the interface."),
    N_ ("Build the module again with the SDK that belongs to this daemon.") },
  { COLLET_ERROR_NOT_TRUSTED, N_ ("The module is not trusted."),
    N_ ("Sign the module with a configured key, or allow unsigned modules in the configuration.") },
  { COLLET_ERROR_VALIDATION_FAILED, N_ ("The module did not pass its trial."),
    N_ ("Run the validation for the full report; correct the module.") },
  { COLLET_ERROR_PROBE_CRASHED, N_ ("The module crashed in its trial."),
    N_ ("The module crashes while it is loaded. Debug its constructors and init.") },
  { COLLET_ERROR_PROBE_TIMEOUT, N_ ("The module did not finish its trial."),
    N_ ("The module hangs while it is loaded. Debug its constructors and init.") },
  { COLLET_ERROR_MODULE_NOT_LOADED, N_ ("The module is not loaded."), N_ ("Load the module first.") },
  { COLLET_ERROR_NOT_PURGED, N_ ("Too many old generations of the module still run."),
    N_ ("Wait until calls of older generations have ended, or drain the module with a deadline.") },
  { COLLET_ERROR_RELOAD_IN_PROGRESS, N_ ("The module is being changed already."),
    N_ ("Wait for the reload that holds the module, or cancel it.") },
  { COLLET_ERROR_STATE_MIGRATION_FAILED, N_ ("The module's state could not be carried over."),
    N_ ("The old version goes on serving with its state. Correct code_change, or discard the state on "
        "purpose.") },
  { COLLET_ERROR_SELF_TEST_FAILED, N_ ("The module's self-test failed."),
    N_ ("Correct the module, or what its self-test needs on this machine.") },
  { COLLET_ERROR_SMOKE_TEST_FAILED, N_ ("A smoke test failed."),
    N_ ("Correct the module, or the smoke tests given with the request.") },
  { COLLET_ERROR_BREAKING_CHANGE, N_ ("The new version would break its clients."),
    N_ ("Keep the schemas compatible, or allow the breaking change on purpose.") },
  { COLLET_ERROR_NOT_PREPARED, N_ ("No such version is prepared."), N_ ("Prepare the reload first.") },
  { COLLET_ERROR_PREPARE_EXPIRED, N_ ("The prepared version was given up, as its time was over."),
    N_ ("Prepare the reload again, with a longer expiry if needed.") },
  { COLLET_ERROR_VERSION_MISMATCH, N_ ("It is another version than was asked for."),
    N_ ("Look at which versions take calls, or are prepared, and name one of those.") },
  { COLLET_ERROR_SWAP_FAILED, N_ ("The module could not be replaced."),
    N_ ("The old version goes on serving. Correct what the message names.") },
  { COLLET_ERROR_ROLLBACK_FAILED, N_ ("The module could not be taken back."),
    N_ ("Choose a retained version that can take the present state.") },
  { COLLET_ERROR_TRIAL_FAILED, N_ ("The new version did worse in its trial and was taken back."),
    N_ ("The old version serves again. Look at why the new one was worse before you try it again.") },
  { COLLET_ERROR_DRAIN_TIMEOUT, N_ ("Calls did not end in time."),
    N_ ("Wait longer, or end the calls that do not return.") },
  { COLLET_ERROR_INTERRUPTED, N_ ("The daemon ended in the middle."),
    N_ ("The daemon ended in the middle; the history says which version stands. Repeat the request if "
        "needed.") },
  { COLLET_ERROR_NOT_FOUND, N_ ("There is nothing of that name."),
    N_ ("Check the name; list what there is.") },
  { COLLET_ERROR_ALREADY_REGISTERED, N_ ("The name is taken already."),
    N_ ("Choose another name, or unregister the tool first.") },
  { COLLET_ERROR_NAME_CLASH, N_ ("Two modules want the same name."),
    N_ ("Rename the tool in one of the modules, or unload the other module.") },
  { COLLET_ERROR_TOOL_NOT_FOUND, N_ ("There is no such tool."),
    N_ ("List the tools; the one that was meant may be in a module not loaded.") },
  { COLLET_ERROR_INVALID_ARGUMENTS, N_ ("The tool does not take these arguments."),
    N_ ("Give the tool arguments that its input schema allows.") },
  { COLLET_ERROR_INVALID_RESULT, N_ ("The tool's answer is not what it promises."),
    N_ ("The tool broke its own contract. Report it to its author, or roll back.") },
  { COLLET_ERROR_WORKER_CRASHED, N_ ("The module crashed during the call."),
    N_ ("The worker is started again by itself. Look at the module's crashes; roll back if they go on.") },
  { COLLET_ERROR_WORKER_CONFINED, N_ ("The module tried what its confinement does not let it do."),
    N_ ("It was refused, and the module goes on. Let its manifest ask for what it needs, or take it out.") },
  { COLLET_ERROR_WORKER_UNAVAILABLE, N_ ("The module cannot be started."),
    N_ ("Correct the module and reload it, or roll back to a version that runs.") },
  { COLLET_ERROR_CALL_TIMEOUT, N_ ("The call took too long."),
    N_ ("Call again with a longer limit, or less work.") },
  { COLLET_ERROR_CALL_CANCELLED, N_ ("The call was cancelled."),
    N_ ("The caller ended the call. Call again if that was not intended.") },
  { COLLET_ERROR_OVERLOADED, N_ ("There is too much to do at the moment."),
    N_ ("Try again in a moment, with fewer requests at once.") },
  { COLLET_ERROR_MODULE_DRAINED, N_ ("The module is out of service."),
    N_ ("Call again later, or ask an administrator to resume the module.") },
  { COLLET_ERROR_SHUTTING_DOWN, N_ ("The daemon is ending."), N_ ("Try again when the daemon is back.") },
  { COLLET_ERROR_INVALID_JSON, N_ ("The JSON is not well-formed."),
    N_ ("Send well-formed JSON (RFC 8259, UTF-8, no duplicate names).") },
  { COLLET_ERROR_JSON_TOO_DEEP, N_ ("The JSON is nested too deeply."),
    N_ ("Nest the JSON less deeply; 64 levels are allowed.") },
  { COLLET_ERROR_MESSAGE_TOO_LARGE, N_ ("The message is too large."), N_ ("Send less at once.") },
  { COLLET_ERROR_INVALID_SCHEMA, N_ ("The JSON Schema is wrong."),
    N_ ("Correct the JSON Schema (2020-12, references within the document only).") },
  { COLLET_ERROR_DISK_FULL, N_ ("The disk is full."),
    N_ ("Nothing was changed. Free space in the data folder and try again.") },
  { COLLET_ERROR_STORE_READ_ONLY, N_ ("The data folder cannot be written to."),
    N_ ("Make the data folder writable for the daemon.") },
  { COLLET_ERROR_DATABASE_BUSY, N_ ("Another process uses the database."),
    N_ ("Another process holds the data folder. Stop it, or use another folder.") },
  { COLLET_ERROR_DATABASE_CORRUPT, N_ ("The database is damaged."),
    N_ ("Restore the database from a backup; the damaged file was kept.") },
  { COLLET_ERROR_DATABASE_NEWER, N_ ("The database is of a newer version."),
    N_ ("The database was written by a newer version. Use that one, or another data folder.") },
  { COLLET_ERROR_STORE_FAILED, N_ ("It could not be stored."),
    N_ ("Look at the message and the disk; nothing was changed.") },
  { COLLET_ERROR_ADDRESS_IN_USE, N_ ("Something else listens at that address."),
    N_ ("Stop what listens there, or configure another address.") },
  { COLLET_ERROR_NAME_IN_USE, N_ ("Another daemon runs already."),
    N_ ("Another daemon owns the bus name. Stop it, or use another bus.") },
  { COLLET_ERROR_CONFINEMENT_UNAVAILABLE, N_ ("Modules cannot be confined here."),
    N_ ("Use a kernel with Landlock and seccomp, or allow unconfined workers in the configuration.") },
  { COLLET_ERROR_SPAWN_FAILED, N_ ("No process could be started."),
    N_ ("Check the limits on processes and memory, and that collet-worker is installed.") },
  { COLLET_ERROR_NODE_FAILED, N_ ("A node failed."),
    N_ ("Look at the named node; repeat the request when it is back.") },
  { COLLET_ERROR_QUORUM_NOT_REACHED, N_ ("Too few nodes took part."),
    N_ ("Bring more nodes back, then repeat the request.") },
};

G_STATIC_ASSERT (G_N_ELEMENTS (remedies) == COLLET_N_ERRORS);

const char *
collet_error_meaning (ColletError code)
{
  if ((guint)code >= COLLET_N_ERRORS)
    code = COLLET_ERROR_FAILED;
  return remedies[code].meaning;
}

const char *
collet_error_remedy (ColletError code)
{
  if ((guint)code >= COLLET_N_ERRORS)
    code = COLLET_ERROR_FAILED;
  g_assert (remedies[code].code == code);
  return remedies[code].remedy;
}

GError *
collet_error_add_remedy (GError *error)
{
  g_return_val_if_fail (error != NULL, NULL);

  gsize length = strlen (error->message);
  gboolean is_short = strstr (error->message, ". ") == NULL && strchr (error->message, '\n') == NULL;
  if (error->domain != COLLET_ERROR || !is_short)
    return error;

  gboolean has_end = length > 0 && strchr (".!?", error->message[length - 1]) != NULL;
  char *message = g_strconcat (error->message, has_end ? " " : ". ",
                               collet_error_remedy ((ColletError)error->code), NULL);
  g_free (error->message);
  error->message = message;
  return error;
}
