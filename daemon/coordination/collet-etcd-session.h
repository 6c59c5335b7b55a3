/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-etcd-session.h: a lease of etcd, kept alive at a third of its time. One
 * that was lost is followed by another.
 */
#pragma once

#include "collet-coordination.h"
#include "collet-etcd-client.h"

G_BEGIN_DECLS

typedef struct _ColletEtcdSession ColletEtcdSession;

/* client is borrowed. */
ColletEtcdSession *
collet_etcd_session_new (ColletEtcdClient *client, guint ttl_s, ColletSessionEvent event, gpointer user_data);
/* Gives the lease back, if somebody hears it. */
void collet_etcd_session_free (ColletEtcdSession *self);

/* NULL: there is none now. */
const char *collet_etcd_session_get_lease (ColletEtcdSession *self);
/* etcd says that there is no such lease. */
void collet_etcd_session_note_lost (ColletEtcdSession *self);

G_END_DECLS
