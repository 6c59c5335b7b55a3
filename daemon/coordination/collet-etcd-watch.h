/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-etcd-watch.h: every change below a prefix, as etcd streams it, a line a
 * time. It goes on at another member where it stopped, and asks every 10 s
 * whether it has missed something, because a member that hangs says nothing.
 *
 * A missed removal alone is not found that way; who watches ranges now and then.
 */
#pragma once

#include "collet-coordination.h"
#include "collet-etcd-client.h"

G_BEGIN_DECLS

#define COLLET_ETCD_AUDIT_S 10

typedef struct _ColletEtcdWatch ColletEtcdWatch;

/* client is borrowed. audit_ms 0: every 10 s. */
ColletEtcdWatch *collet_etcd_watch_new (ColletEtcdClient *client, const char *prefix, gint64 from_revision,
                                        guint audit_ms, ColletWatchEvent event, gpointer user_data);
/* Not called back any more. */
void collet_etcd_watch_free (ColletEtcdWatch *self);
/* How often it was opened, for tests. */
guint collet_etcd_watch_get_connects (ColletEtcdWatch *self);

G_END_DECLS
