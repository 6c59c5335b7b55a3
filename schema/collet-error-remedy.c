/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-error-remedy.h"

#include <string.h>

/* In the order of the enumeration. */
static const struct
{
  ColletError code;
  const char *remedy;
} remedies[] = {
  { COLLET_ERROR_FAILED, "This is a fault in Collet. Look at the daemon's log and report it." },
  { COLLET_ERROR_NOT_SUPPORTED, "This version of the daemon cannot do that yet. Use a newer one." },
  { COLLET_ERROR_NOT_AUTHORIZED, "Ask an administrator for the permission, or for read access to the file." },
  { COLLET_ERROR_INVALID_ARGUMENT, "Correct the argument and try again." },
  { COLLET_ERROR_CANCELLED, "Nothing was changed. Start it again if that was not intended." },
  { COLLET_ERROR_TIMEOUT, "It may still be under way. Look at its state before you repeat it." },
  { COLLET_ERROR_ARTIFACT_NOT_FOUND,
    "Give the path of a shared object, or the name of one in the module path." },
  { COLLET_ERROR_ARTIFACT_TOO_LARGE,
    "Strip debug information from the module, or raise the limit in the configuration." },
  { COLLET_ERROR_ARTIFACT_CHANGED, "Finish writing the file first: write it aside, then rename it." },
  { COLLET_ERROR_INTEGRITY_FAILED,
    "Check the disk, remove the damaged artifact from the store and load it again from its source." },
  { COLLET_ERROR_INVALID_MODULE, "Build it as a shared object for this machine with the collet-module SDK." },
  { COLLET_ERROR_INVALID_MANIFEST,
    "Correct the manifest that is embedded in the module and build it again." },
  { COLLET_ERROR_ABI_MISMATCH, "Build the module again with the SDK that belongs to this daemon." },
  { COLLET_ERROR_NOT_TRUSTED,
    "Sign the module with a configured key, or allow unsigned modules in the configuration." },
  { COLLET_ERROR_VALIDATION_FAILED, "Run the validation for the full report; correct the module." },
  { COLLET_ERROR_PROBE_CRASHED, "The module crashes while it is loaded. Debug its constructors and init." },
  { COLLET_ERROR_PROBE_TIMEOUT, "The module hangs while it is loaded. Debug its constructors and init." },
  { COLLET_ERROR_MODULE_NOT_LOADED, "Load the module first." },
  { COLLET_ERROR_NOT_PURGED,
    "Wait until calls of older generations have ended, or drain the module with a deadline." },
  { COLLET_ERROR_RELOAD_IN_PROGRESS, "Wait for the reload that holds the module, or cancel it." },
  { COLLET_ERROR_STATE_MIGRATION_FAILED,
    "The old version goes on serving with its state. Correct code_change, or discard the state on purpose." },
  { COLLET_ERROR_SELF_TEST_FAILED, "Correct the module, or what its self-test needs on this machine." },
  { COLLET_ERROR_SMOKE_TEST_FAILED, "Correct the module, or the smoke tests given with the request." },
  { COLLET_ERROR_BREAKING_CHANGE, "Keep the schemas compatible, or allow the breaking change on purpose." },
  { COLLET_ERROR_NOT_PREPARED, "Prepare the reload first." },
  { COLLET_ERROR_PREPARE_EXPIRED, "Prepare the reload again, with a longer expiry if needed." },
  { COLLET_ERROR_VERSION_MISMATCH,
    "Look at which versions take calls, or are prepared, and name one of those." },
  { COLLET_ERROR_SWAP_FAILED, "The old version goes on serving. Correct what the message names." },
  { COLLET_ERROR_ROLLBACK_FAILED, "Choose a retained version that can take the present state." },
  { COLLET_ERROR_TRIAL_FAILED,
    "The old version serves again. Look at why the new one was worse before you try it again." },
  { COLLET_ERROR_DRAIN_TIMEOUT, "Wait longer, or end the calls that do not return." },
  { COLLET_ERROR_INTERRUPTED,
    "The daemon ended in the middle; the history says which version stands. Repeat the request if needed." },
  { COLLET_ERROR_NOT_FOUND, "Check the name; list what there is." },
  { COLLET_ERROR_ALREADY_REGISTERED, "Choose another name, or unregister the tool first." },
  { COLLET_ERROR_NAME_CLASH, "Rename the tool in one of the modules, or unload the other module." },
  { COLLET_ERROR_TOOL_NOT_FOUND, "List the tools; the one that was meant may be in a module not loaded." },
  { COLLET_ERROR_INVALID_ARGUMENTS, "Give the tool arguments that its input schema allows." },
  { COLLET_ERROR_INVALID_RESULT, "The tool broke its own contract. Report it to its author, or roll back." },
  { COLLET_ERROR_WORKER_CRASHED,
    "The worker is started again by itself. Look at the module's crashes; roll back if they go on." },
  { COLLET_ERROR_WORKER_UNAVAILABLE,
    "Correct the module and reload it, or roll back to a version that runs." },
  { COLLET_ERROR_CALL_TIMEOUT, "Call again with a longer limit, or less work." },
  { COLLET_ERROR_CALL_CANCELLED, "The caller ended the call. Call again if that was not intended." },
  { COLLET_ERROR_OVERLOADED, "Try again in a moment, with fewer requests at once." },
  { COLLET_ERROR_MODULE_DRAINED, "Call again later, or ask an administrator to resume the module." },
  { COLLET_ERROR_SHUTTING_DOWN, "Try again when the daemon is back." },
  { COLLET_ERROR_INVALID_JSON, "Send well-formed JSON (RFC 8259, UTF-8, no duplicate names)." },
  { COLLET_ERROR_JSON_TOO_DEEP, "Nest the JSON less deeply; 64 levels are allowed." },
  { COLLET_ERROR_MESSAGE_TOO_LARGE, "Send less at once." },
  { COLLET_ERROR_INVALID_SCHEMA, "Correct the JSON Schema (2020-12, references within the document only)." },
  { COLLET_ERROR_DISK_FULL, "Nothing was changed. Free space in the data folder and try again." },
  { COLLET_ERROR_STORE_READ_ONLY, "Make the data folder writable for the daemon." },
  { COLLET_ERROR_DATABASE_BUSY, "Another process holds the data folder. Stop it, or use another folder." },
  { COLLET_ERROR_DATABASE_CORRUPT, "Restore the database from a backup; the damaged file was kept." },
  { COLLET_ERROR_DATABASE_NEWER,
    "The database was written by a newer version. Use that one, or another data folder." },
  { COLLET_ERROR_STORE_FAILED, "Look at the message and the disk; nothing was changed." },
  { COLLET_ERROR_ADDRESS_IN_USE, "Stop what listens there, or configure another address." },
  { COLLET_ERROR_NAME_IN_USE, "Another daemon owns the bus name. Stop it, or use another bus." },
  { COLLET_ERROR_CONFINEMENT_UNAVAILABLE,
    "Use a kernel with Landlock and seccomp, or allow unconfined workers in the configuration." },
  { COLLET_ERROR_SPAWN_FAILED,
    "Check the limits on processes and memory, and that collet-worker is installed." },
  { COLLET_ERROR_NODE_FAILED, "Look at the named node; repeat the request when it is back." },
  { COLLET_ERROR_QUORUM_NOT_REACHED, "Bring more nodes back, then repeat the request." },
};

G_STATIC_ASSERT (G_N_ELEMENTS (remedies) == COLLET_N_ERRORS);

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
