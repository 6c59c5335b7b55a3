/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-bus-request.h: options of a method as a request to the reloader.
 */
#pragma once

#include "collet-reload-request.h"

G_BEGIN_DECLS

/* To replace `module`: its name, or the artifact itself; the option "artifact" is
 * where a module that is named comes from. */
ColletReloadRequest *collet_bus_request_new_hot_reload (gint64 uid, const char *module, GVariant *options);

/* Sets what `options` (a{sv}, names and types checked already) say. NotSupported
 * for those that this daemon does not offer, InvalidArgument for a bad value. */
gboolean collet_bus_request_apply (ColletReloadRequest *request, GVariant *options, GError **error);

G_END_DECLS
