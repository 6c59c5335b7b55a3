/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-etcd.h: coordination through etcd, 3.4 or later, by its v3 JSON gateway.
 */
#pragma once

#include "collet-coordination.h"
#include "collet-etcd-client.h"

G_BEGIN_DECLS

/* Nothing is connected yet. InvalidArgument, or what is wrong with a certificate. */
ColletCoordination *collet_etcd_new (const ColletEtcdConfig *config, GError **error);

/* How often its watches ask whether they missed something. 0: every 10 s. */
void collet_etcd_set_audit_ms (ColletCoordination *self, guint audit_ms);

G_END_DECLS
