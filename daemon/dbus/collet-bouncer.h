/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-bouncer.h: the one object that decides who may do what. It says no
 * unless a rule says yes:
 *  - session bus: the daemon's own user may everything;
 *  - system bus: root may everything; others may what needs "read" (who may call
 *    at all is bus policy), and are polkit's to judge for the rest.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define COLLET_TYPE_BOUNCER (collet_bouncer_get_type ())
G_DECLARE_FINAL_TYPE (ColletBouncer, collet_bouncer, COLLET, BOUNCER, GObject)

ColletBouncer *collet_bouncer_new (gboolean is_system);

/* `permission`: an action of org.collet.Collet1.xml, or NULL: denied. finish:
 * the caller's uid, or -1 with NotAuthorized. */
void collet_bouncer_check_async (ColletBouncer *self, GDBusMethodInvocation *invocation,
                                 const char *permission, GAsyncReadyCallback callback, gpointer user_data);
gint64 collet_bouncer_check_finish (ColletBouncer *self, GAsyncResult *result, GError **error);

typedef enum
{
  COLLET_BOUNCER_NO,
  COLLET_BOUNCER_YES,
  COLLET_BOUNCER_ASK, /* polkit decides */
} ColletBouncerAnswer;

/* The rule alone, for tests: daemon_uid is who runs the daemon. */
ColletBouncerAnswer
collet_bouncer_judge (gboolean is_system, gint64 daemon_uid, gint64 caller_uid, const char *permission);

G_END_DECLS
