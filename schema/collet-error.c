/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-error.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>

#define ENTRY(code, name)                                                                                    \
  {                                                                                                          \
    COLLET_ERROR_##code, COLLET_ERROR_PREFIX name                                                            \
  }

/* In the order of the enumeration. */
static const GDBusErrorEntry entries[] = {
  ENTRY (FAILED, "Failed"),
  ENTRY (NOT_SUPPORTED, "NotSupported"),
  ENTRY (NOT_AUTHORIZED, "NotAuthorized"),
  ENTRY (INVALID_ARGUMENT, "InvalidArgument"),
  ENTRY (CANCELLED, "Cancelled"),
  ENTRY (TIMEOUT, "Timeout"),
  ENTRY (ARTIFACT_NOT_FOUND, "ArtifactNotFound"),
  ENTRY (ARTIFACT_TOO_LARGE, "ArtifactTooLarge"),
  ENTRY (ARTIFACT_CHANGED, "ArtifactChanged"),
  ENTRY (INTEGRITY_FAILED, "IntegrityFailed"),
  ENTRY (INVALID_MODULE, "InvalidModule"),
  ENTRY (INVALID_MANIFEST, "InvalidManifest"),
  ENTRY (ABI_MISMATCH, "AbiMismatch"),
  ENTRY (NOT_TRUSTED, "NotTrusted"),
  ENTRY (VALIDATION_FAILED, "ValidationFailed"),
  ENTRY (PROBE_CRASHED, "ProbeCrashed"),
  ENTRY (PROBE_TIMEOUT, "ProbeTimeout"),
  ENTRY (MODULE_NOT_LOADED, "ModuleNotLoaded"),
  ENTRY (NOT_PURGED, "NotPurged"),
  ENTRY (RELOAD_IN_PROGRESS, "ReloadInProgress"),
  ENTRY (STATE_MIGRATION_FAILED, "StateMigrationFailed"),
  ENTRY (SELF_TEST_FAILED, "SelfTestFailed"),
  ENTRY (SMOKE_TEST_FAILED, "SmokeTestFailed"),
  ENTRY (BREAKING_CHANGE, "BreakingChange"),
  ENTRY (NOT_PREPARED, "NotPrepared"),
  ENTRY (PREPARE_EXPIRED, "PrepareExpired"),
  ENTRY (VERSION_MISMATCH, "VersionMismatch"),
  ENTRY (SWAP_FAILED, "SwapFailed"),
  ENTRY (ROLLBACK_FAILED, "RollbackFailed"),
  ENTRY (TRIAL_FAILED, "TrialFailed"),
  ENTRY (DRAIN_TIMEOUT, "DrainTimeout"),
  ENTRY (INTERRUPTED, "Interrupted"),
  ENTRY (NOT_FOUND, "NotFound"),
  ENTRY (ALREADY_REGISTERED, "AlreadyRegistered"),
  ENTRY (NAME_CLASH, "NameClash"),
  ENTRY (TOOL_NOT_FOUND, "ToolNotFound"),
  ENTRY (INVALID_ARGUMENTS, "InvalidArguments"),
  ENTRY (INVALID_RESULT, "InvalidResult"),
  ENTRY (WORKER_CRASHED, "WorkerCrashed"),
  ENTRY (WORKER_CONFINED, "WorkerConfined"),
  ENTRY (WORKER_UNAVAILABLE, "WorkerUnavailable"),
  ENTRY (CALL_TIMEOUT, "CallTimeout"),
  ENTRY (CALL_CANCELLED, "CallCancelled"),
  ENTRY (OVERLOADED, "Overloaded"),
  ENTRY (MODULE_DRAINED, "ModuleDrained"),
  ENTRY (SHUTTING_DOWN, "ShuttingDown"),
  ENTRY (INVALID_JSON, "InvalidJson"),
  ENTRY (JSON_TOO_DEEP, "JsonTooDeep"),
  ENTRY (MESSAGE_TOO_LARGE, "MessageTooLarge"),
  ENTRY (INVALID_SCHEMA, "InvalidSchema"),
  ENTRY (DISK_FULL, "DiskFull"),
  ENTRY (STORE_READ_ONLY, "StoreReadOnly"),
  ENTRY (DATABASE_BUSY, "DatabaseBusy"),
  ENTRY (DATABASE_CORRUPT, "DatabaseCorrupt"),
  ENTRY (DATABASE_NEWER, "DatabaseNewer"),
  ENTRY (STORE_FAILED, "StoreFailed"),
  ENTRY (ADDRESS_IN_USE, "AddressInUse"),
  ENTRY (NAME_IN_USE, "NameInUse"),
  ENTRY (CONFINEMENT_UNAVAILABLE, "ConfinementUnavailable"),
  ENTRY (SPAWN_FAILED, "SpawnFailed"),
  ENTRY (NODE_FAILED, "NodeFailed"),
  ENTRY (QUORUM_NOT_REACHED, "QuorumNotReached"),
};

G_STATIC_ASSERT (G_N_ELEMENTS (entries) == COLLET_N_ERRORS);

GQuark
collet_error_quark (void)
{
  static gsize quark;

  /* Registers the names as well: whoever can make or receive one of our errors
   * has called this. */
  g_dbus_error_register_error_domain ("collet-error-quark", &quark, entries, G_N_ELEMENTS (entries));
  return (GQuark)quark;
}

const char *
collet_error_name (ColletError code)
{
  if ((guint)code >= COLLET_N_ERRORS)
    code = COLLET_ERROR_FAILED;
  return entries[code].dbus_error_name + strlen (COLLET_ERROR_PREFIX);
}

gboolean
collet_error_from_name (const char *name, ColletError *code)
{
  g_return_val_if_fail (name != NULL, FALSE);

  if (g_str_has_prefix (name, COLLET_ERROR_PREFIX))
    name += strlen (COLLET_ERROR_PREFIX);

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    {
      if (g_str_equal (entries[i].dbus_error_name + strlen (COLLET_ERROR_PREFIX), name))
        {
          if (code != NULL)
            *code = entries[i].error_code;
          return TRUE;
        }
    }
  return FALSE;
}

typedef struct
{
  int foreign;
  ColletError code;
} Mapping;

static const Mapping io_map[] = {
  { G_IO_ERROR_NOT_FOUND, COLLET_ERROR_NOT_FOUND },
  { G_IO_ERROR_INVALID_FILENAME, COLLET_ERROR_INVALID_ARGUMENT },
  { G_IO_ERROR_INVALID_ARGUMENT, COLLET_ERROR_INVALID_ARGUMENT },
  { G_IO_ERROR_INVALID_DATA, COLLET_ERROR_INVALID_ARGUMENT },
  { G_IO_ERROR_NO_SPACE, COLLET_ERROR_DISK_FULL },
  { G_IO_ERROR_READ_ONLY, COLLET_ERROR_STORE_READ_ONLY },
  { G_IO_ERROR_PERMISSION_DENIED, COLLET_ERROR_NOT_AUTHORIZED },
  { G_IO_ERROR_NOT_SUPPORTED, COLLET_ERROR_NOT_SUPPORTED },
  { G_IO_ERROR_CANCELLED, COLLET_ERROR_CANCELLED },
  { G_IO_ERROR_TIMED_OUT, COLLET_ERROR_TIMEOUT },
  { G_IO_ERROR_TOO_MANY_OPEN_FILES, COLLET_ERROR_OVERLOADED },
  { G_IO_ERROR_MESSAGE_TOO_LARGE, COLLET_ERROR_MESSAGE_TOO_LARGE },
  { G_IO_ERROR_ADDRESS_IN_USE, COLLET_ERROR_ADDRESS_IN_USE },
};

static const Mapping file_map[] = {
  { G_FILE_ERROR_NOENT, COLLET_ERROR_NOT_FOUND },
  { G_FILE_ERROR_NOTDIR, COLLET_ERROR_NOT_FOUND },
  { G_FILE_ERROR_NOSPC, COLLET_ERROR_DISK_FULL },
  { G_FILE_ERROR_ROFS, COLLET_ERROR_STORE_READ_ONLY },
  { G_FILE_ERROR_ACCES, COLLET_ERROR_NOT_AUTHORIZED },
  { G_FILE_ERROR_PERM, COLLET_ERROR_NOT_AUTHORIZED },
  { G_FILE_ERROR_MFILE, COLLET_ERROR_OVERLOADED },
  { G_FILE_ERROR_NFILE, COLLET_ERROR_OVERLOADED },
  { G_FILE_ERROR_NOMEM, COLLET_ERROR_OVERLOADED },
  { G_FILE_ERROR_INVAL, COLLET_ERROR_INVALID_ARGUMENT },
  { G_FILE_ERROR_NAMETOOLONG, COLLET_ERROR_INVALID_ARGUMENT },
  { G_FILE_ERROR_NOSYS, COLLET_ERROR_NOT_SUPPORTED },
};

static const Mapping dbus_map[] = {
  { G_DBUS_ERROR_ACCESS_DENIED, COLLET_ERROR_NOT_AUTHORIZED },
  { G_DBUS_ERROR_AUTH_FAILED, COLLET_ERROR_NOT_AUTHORIZED },
  { G_DBUS_ERROR_NO_REPLY, COLLET_ERROR_TIMEOUT },
  { G_DBUS_ERROR_TIMEOUT, COLLET_ERROR_TIMEOUT },
  { G_DBUS_ERROR_TIMED_OUT, COLLET_ERROR_TIMEOUT },
  { G_DBUS_ERROR_NO_MEMORY, COLLET_ERROR_OVERLOADED },
  { G_DBUS_ERROR_LIMITS_EXCEEDED, COLLET_ERROR_OVERLOADED },
  { G_DBUS_ERROR_INVALID_ARGS, COLLET_ERROR_INVALID_ARGUMENT },
  { G_DBUS_ERROR_FILE_NOT_FOUND, COLLET_ERROR_NOT_FOUND },
  { G_DBUS_ERROR_ADDRESS_IN_USE, COLLET_ERROR_ADDRESS_IN_USE },
  { G_DBUS_ERROR_NOT_SUPPORTED, COLLET_ERROR_NOT_SUPPORTED },
  { G_DBUS_ERROR_UNKNOWN_METHOD, COLLET_ERROR_NOT_SUPPORTED },
  { G_DBUS_ERROR_UNKNOWN_INTERFACE, COLLET_ERROR_NOT_SUPPORTED },
  { G_DBUS_ERROR_UNKNOWN_PROPERTY, COLLET_ERROR_NOT_SUPPORTED },
  { G_DBUS_ERROR_PROPERTY_READ_ONLY, COLLET_ERROR_NOT_SUPPORTED },
  { G_DBUS_ERROR_UNKNOWN_OBJECT, COLLET_ERROR_NOT_FOUND },
};

static ColletError
look_up (const Mapping *map, guint n, int foreign)
{
  for (guint i = 0; i < n; i++)
    {
      if (map[i].foreign == foreign)
        return map[i].code;
    }
  return COLLET_ERROR_FAILED;
}

static ColletError
code_of (const GError *error)
{
  ColletError code;

  if (error->domain == COLLET_ERROR)
    return (guint)error->code < COLLET_N_ERRORS ? (ColletError)error->code : COLLET_ERROR_FAILED;
  if (error->domain == G_IO_ERROR && error->code == G_IO_ERROR_DBUS_ERROR)
    {
      /* From a peer before our names were registered in this process. */
      g_autofree char *remote = g_dbus_error_get_remote_error (error);
      return remote != NULL && collet_error_from_name (remote, &code) ? code : COLLET_ERROR_FAILED;
    }
  if (error->domain == G_IO_ERROR)
    return look_up (io_map, G_N_ELEMENTS (io_map), error->code);
  if (error->domain == G_FILE_ERROR)
    return look_up (file_map, G_N_ELEMENTS (file_map), error->code);
  if (error->domain == G_DBUS_ERROR)
    return look_up (dbus_map, G_N_ELEMENTS (dbus_map), error->code);
  return COLLET_ERROR_FAILED;
}

const char *
collet_error_name_of (const GError *error)
{
  g_return_val_if_fail (error != NULL, collet_error_name (COLLET_ERROR_FAILED));
  return collet_error_name (code_of (error));
}

ColletError
collet_error_of_errno (int errsv)
{
  switch (errsv)
    {
    case ENOSPC:
    case EDQUOT:
      return COLLET_ERROR_DISK_FULL;
    case EROFS:
    case EACCES:
    case EPERM:
      return COLLET_ERROR_STORE_READ_ONLY;
    default:
      return COLLET_ERROR_STORE_FAILED;
    }
}

GError *
collet_error_convert (GError *error)
{
  g_return_val_if_fail (error != NULL, NULL);

  /* "GDBus.Error:org.collet...: " says nothing that the code does not. */
  if (g_dbus_error_is_remote_error (error))
    g_dbus_error_strip_remote_error (error);
  if (error->domain == COLLET_ERROR)
    return error;

  GError *ours = g_error_new_literal (COLLET_ERROR, code_of (error), error->message);
  g_error_free (error);
  return ours;
}
