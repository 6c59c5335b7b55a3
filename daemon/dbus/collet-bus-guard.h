/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-bus-guard.h: stands between the bus and every method of ours. The
 * interface XML is the table of permissions and options; a method without a
 * permission is denied, one without a handler answers NotSupported.
 */
#pragma once

#include "collet-bouncer.h"

G_BEGIN_DECLS

/* A call that was let in. The handler answers by one of the three functions,
 * now or later, which frees it. */
typedef struct
{
  GDBusMethodInvocation *invocation;
  GVariant *parameters;
  gint64 uid;
} ColletBusCall;

typedef void (*ColletBusHandler) (gpointer object, ColletBusCall *call);

typedef struct
{
  const char *method;
  ColletBusHandler handler;
} ColletBusMethod;

/* Takes a floating `result`. */
void collet_bus_call_return (ColletBusCall *call, GVariant *result);
void collet_bus_call_return_fd (ColletBusCall *call, GVariant *result, GUnixFDList *fds);
/* A descriptor that came with the call, the caller's to close. `handle`: as its
 * parameter says, so foreign. InvalidArgument. */
int collet_bus_call_dup_fd (ColletBusCall *call, gint32 handle, GError **error);
/* Takes `error`; foreign ones are converted. */
void collet_bus_call_fail (ColletBusCall *call, GError *error);

/* `object`'s method needs `permission` as well, in this case; then it goes on with
 * `then`, or the call fails. */
void
collet_bus_call_require (ColletBusCall *call, gpointer object, const char *permission, ColletBusHandler then);

/* For a subclass of a generated skeleton: its get_vtable. `methods` ends with a
 * NULL name and lives for ever. */
GDBusInterfaceVTable collet_bus_guard_vtable (const GDBusInterfaceVTable *generated);
/* In the instance's construction. The object may be destroyed while calls wait:
 * they hold a reference. */
void collet_bus_guard_attach (GDBusInterfaceSkeleton *object, ColletBouncer *bouncer,
                              const ColletBusMethod *const *tables);

G_END_DECLS
