/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-polkit.h: asks polkit whether a caller may do something. Takes as long
 * as the caller needs to type a password; blocks nothing meanwhile.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* `action`: of data/org.collet.Collet1.policy. The caller is asked for a password
 * only if its message allows that. `module`: what it is about, for polkit's rules
 * (action.lookup ("module")), or NULL. finish: NotAuthorized with what would help. */
void collet_polkit_check_async (GDBusMethodInvocation *invocation, const char *action, const char *module,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_polkit_check_finish (GAsyncResult *result, GError **error);

G_END_DECLS
