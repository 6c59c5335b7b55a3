/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-client.h: the way to a daemon on one of the two buses.
 */
#pragma once

#include <gio/gio.h>

#include "collet-dbus.h"

G_BEGIN_DECLS

/* Beside COLLET_ERROR, which is what the daemon says: there is no daemon. */
#define COLLET_CLIENT_ERROR (collet_client_error_quark ())
GQuark collet_client_error_quark (void);

typedef enum
{
  COLLET_CLIENT_ERROR_NOT_REACHABLE, /* no bus, no daemon on it, or it went away */
  COLLET_CLIENT_ERROR_NO_ANSWER,     /* it is there, and what it does about the call is not known */
  COLLET_CLIENT_ERROR_OLDER,         /* it does not know the method */
} ColletClientError;

typedef enum
{
  COLLET_CLIENT_BUS_ANY, /* the session bus if a daemon is there, else the system bus */
  COLLET_CLIENT_BUS_SESSION,
  COLLET_CLIENT_BUS_SYSTEM,
} ColletClientBus;

typedef struct _ColletClient ColletClient;

/* Blocking. NotReachable. A daemon that the bus can start is started. */
ColletClient *collet_client_new (ColletClientBus bus, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void collet_client_free (ColletClient *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletClient, collet_client_free)

/* Which it is: never ANY. */
ColletClientBus collet_client_get_bus (ColletClient *self);
GDBusConnection *collet_client_get_connection (ColletClient *self);

/* Blocking call of a method of the Manager; `arguments` is consumed if floating.
 * timeout_ms: of this call; G_MAXINT: none. Errors are converted. */
GVariant *collet_client_call (ColletClient *self, const char *method, GVariant *arguments, int timeout_ms,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same with file descriptors: those of the call (or NULL), and those of the
 * reply (`reply_fds` may be NULL). */
GVariant *collet_client_call_with_fds (ColletClient *self, const char *method, GVariant *arguments,
                                       int timeout_ms, GUnixFDList *fds, GUnixFDList **reply_fds,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* All properties of the Manager, a{sv}. */
GVariant *collet_client_get_properties (ColletClient *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Any error of a D-Bus call as COLLET_ERROR, or NotReachable if the daemon is
 * not there. Takes the error. */
GError *collet_client_convert_error (GError *error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
