/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-service.h: a daemon, as an object that outlives it. Its lists are what
 * the daemon said last; when it goes away they stay, and `stale-since` says for
 * how long nobody vouched for them. It comes back by itself.
 */
#pragma once

#include "collet-client.h"
#include "collet-item-list.h"
#include "collet-matrix.h"

G_BEGIN_DECLS

typedef enum
{
  COLLET_SERVICE_CONNECTING,
  COLLET_SERVICE_READY,
  COLLET_SERVICE_DOWN,         /* there is none now */
  COLLET_SERVICE_UNAUTHORISED, /* it does not let us read */
  COLLET_SERVICE_OLDER,        /* it does not know what we ask */
  COLLET_SERVICE_FAILED,       /* it answered with something else; see the error */
} ColletServiceState;

typedef enum
{
  COLLET_LIST_MODULES,
  COLLET_LIST_TOOLS,
  COLLET_LIST_RELOADS,
  COLLET_LIST_NODES,
  COLLET_N_LISTS
} ColletServiceList;

#define COLLET_TYPE_SERVICE (collet_service_get_type ())
G_DECLARE_FINAL_TYPE (ColletService, collet_service, COLLET, SERVICE, GObject)

/* Signals, all from the default main context:
 * "state-changed" (), also when the error or the time changed;
 * "tool-updated" (name, version, sequence);
 * "reload-finished" (path, success, error name, error message);
 * "reload-added" (path), of reloads that begin while we watch;
 * "watch-report" (folder, file, report), as the bus's WatchReport. */
/* session: as of collet_bus_watch_new(). */
ColletService *collet_service_new (ColletClientBus bus, GDBusConnection *session) G_GNUC_WARN_UNUSED_RESULT;
/* Forgets everything and begins again on that bus. */
void collet_service_set_bus (ColletService *self, ColletClientBus bus);

ColletServiceState collet_service_get_state (ColletService *self);
/* Of the last failure to reach or read it; NULL in CONNECTING, READY and DOWN. */
const GError *collet_service_get_error (ColletService *self);
/* Real time in µs; 0 while the lists are true, or were never filled. */
gint64 collet_service_get_stale_since (ColletService *self);
/* Whether anything was read since it was made. */
gboolean collet_service_has_data (ColletService *self);
/* Where it is, or is looked for. */
ColletClientBus collet_service_get_bus (ColletService *self);

/* Properties of the Manager. Borrowed; lives as long as self. */
ColletItem *collet_service_get_daemon (ColletService *self);
/* Objects by their names (reloads by id). Borrowed. */
ColletItemList *collet_service_get_list (ColletService *self, ColletServiceList list);
ColletMatrix *collet_service_get_matrix (ColletService *self);
/* Reads everything again. */
void collet_service_refresh (ColletService *self);

/* A method of the Manager. arguments: consumed if floating. Authorisation may ask
 * the user for a password, so it has no time limit of ours unless timeout_ms > 0. */
void collet_service_call (ColletService *self, const char *method, GVariant *arguments, int timeout_ms,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* A method of a Reload object. */
void collet_service_call_reload (ColletService *self, const char *path, const char *method,
                                 GVariant *arguments, GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);
/* reply_type: what the contract says; another one is NotSupported. Errors are
 * COLLET_ERROR, COLLET_CLIENT_ERROR, or G_IO_ERROR_CANCELLED by `cancellable`. */
GVariant *collet_service_call_finish (GAsyncResult *result, const char *reply_type,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same of a reply that is rows, (aa{sv}): as items without a key. */
GPtrArray *collet_service_call_finish_rows (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether one may do what a method does, by a call of it that changes nothing (of a
 * module without a name). may_ask_user: for a password. FALSE: NotAuthorized, or it
 * was cancelled. */
void collet_service_ask_access (ColletService *self, const char *method, GVariant *arguments,
                                gboolean may_ask_user, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_service_ask_access_finish (GAsyncResult *result, GError **error);

/* Whether what it changes may be agreed on with other nodes. */
gboolean collet_service_has_peers (ColletService *self);

G_END_DECLS
