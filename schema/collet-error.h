/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-error.h: the one error domain. Each code has one stable name, the same
 * on D-Bus (org.collet.Collet1.Error.<Name>), in colletctl --json, in MCP
 * error.data.reason, in the history and on the wire to workers.
 *
 * A message has up to three sentences: what was found, where; what to do next.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLLET_ERROR (collet_error_quark ())
GQuark collet_error_quark (void);

#define COLLET_ERROR_PREFIX "org.collet.Collet1.Error."

typedef enum
{
  COLLET_ERROR_FAILED, /* unmapped; an internal fault, never expected */
  COLLET_ERROR_NOT_SUPPORTED,
  COLLET_ERROR_NOT_AUTHORIZED,
  COLLET_ERROR_INVALID_ARGUMENT,
  COLLET_ERROR_CANCELLED,
  COLLET_ERROR_TIMEOUT,
  /* artifact and candidate */
  COLLET_ERROR_ARTIFACT_NOT_FOUND,
  COLLET_ERROR_ARTIFACT_TOO_LARGE,
  COLLET_ERROR_ARTIFACT_CHANGED, /* while it was read */
  COLLET_ERROR_INTEGRITY_FAILED, /* the store's bytes do not have their hash */
  COLLET_ERROR_INVALID_MODULE,   /* not an ELF shared object for this machine, no symbol */
  COLLET_ERROR_INVALID_MANIFEST,
  COLLET_ERROR_ABI_MISMATCH,
  COLLET_ERROR_NOT_TRUSTED,
  COLLET_ERROR_VALIDATION_FAILED, /* trial load or self-test failed */
  COLLET_ERROR_PROBE_CRASHED,
  COLLET_ERROR_PROBE_TIMEOUT,
  /* reload */
  COLLET_ERROR_MODULE_NOT_LOADED,
  COLLET_ERROR_NOT_PURGED,
  COLLET_ERROR_RELOAD_IN_PROGRESS,
  COLLET_ERROR_STATE_MIGRATION_FAILED,
  COLLET_ERROR_SELF_TEST_FAILED,
  COLLET_ERROR_SMOKE_TEST_FAILED,
  COLLET_ERROR_BREAKING_CHANGE,
  COLLET_ERROR_NOT_PREPARED,
  COLLET_ERROR_PREPARE_EXPIRED,
  COLLET_ERROR_VERSION_MISMATCH,
  COLLET_ERROR_SWAP_FAILED,
  COLLET_ERROR_ROLLBACK_FAILED,
  COLLET_ERROR_TRIAL_FAILED, /* published, and taken back in its trial window */
  COLLET_ERROR_DRAIN_TIMEOUT,
  COLLET_ERROR_INTERRUPTED, /* the daemon ended in the middle; resolved at start */
  /* registry */
  COLLET_ERROR_NOT_FOUND,
  COLLET_ERROR_ALREADY_REGISTERED,
  COLLET_ERROR_NAME_CLASH,
  /* calls */
  COLLET_ERROR_TOOL_NOT_FOUND,
  COLLET_ERROR_INVALID_ARGUMENTS, /* of a tool, against its inputSchema */
  COLLET_ERROR_INVALID_RESULT,    /* of a tool: no JSON, or against its outputSchema */
  COLLET_ERROR_WORKER_CRASHED,
  COLLET_ERROR_WORKER_CONFINED,    /* it tried what its confinement refuses; it goes on */
  COLLET_ERROR_WORKER_UNAVAILABLE, /* restarted too often, or cannot start */
  COLLET_ERROR_CALL_TIMEOUT,
  COLLET_ERROR_CALL_CANCELLED,
  COLLET_ERROR_OVERLOADED,
  COLLET_ERROR_MODULE_DRAINED, /* taken out of service by hand, for a while */
  COLLET_ERROR_SHUTTING_DOWN,
  /* JSON from outside */
  COLLET_ERROR_INVALID_JSON,
  COLLET_ERROR_JSON_TOO_DEEP,
  COLLET_ERROR_MESSAGE_TOO_LARGE,
  COLLET_ERROR_INVALID_SCHEMA,
  /* storage and environment */
  COLLET_ERROR_DISK_FULL,
  COLLET_ERROR_STORE_READ_ONLY,
  COLLET_ERROR_DATABASE_BUSY,
  COLLET_ERROR_DATABASE_CORRUPT,
  COLLET_ERROR_DATABASE_NEWER,
  COLLET_ERROR_STORE_FAILED,
  COLLET_ERROR_ADDRESS_IN_USE,
  COLLET_ERROR_NAME_IN_USE,
  COLLET_ERROR_CONFINEMENT_UNAVAILABLE,
  COLLET_ERROR_SPAWN_FAILED,
  /* cluster */
  COLLET_ERROR_NODE_FAILED,
  COLLET_ERROR_QUORUM_NOT_REACHED,
  COLLET_N_ERRORS /*< skip >*/
} ColletError;

/* "ModuleNotLoaded" and so on. Borrowed, static. */
const char *collet_error_name (ColletError code);
/* Accepts the bare name or the full D-Bus name; FALSE if unknown. */
gboolean collet_error_from_name (const char *name, ColletError *code);
/* The name of any GError: its own, or that of what G_IO_ERROR, G_FILE_ERROR
 * and G_DBUS_ERROR codes map to; "Failed" for the rest. */
const char *collet_error_name_of (const GError *error);
/* What failed to be written to the data folder: DISK_FULL, STORE_READ_ONLY, or
 * STORE_FAILED. */
ColletError collet_error_of_errno (int errsv);
/* A GError of our domain from any other (ENOSPC becomes DiskFull, ...), to be
 * used where foreign errors leave a layer. Takes ownership. */
GError *collet_error_convert (GError *error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
