/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-member.h: "colletctl cluster init | token | join | leave | remove".
 */
#pragma once

#include "collet-ctl.h"

G_BEGIN_DECLS

typedef struct
{
  char **endpoints; /* of etcd */
  int expiry_s;     /* of a token; -1: the default */
  char *name;       /* of a node that joins, or NULL */
  gboolean force;
} ColletClusterMemberOptions;

/* FALSE: it is none of these. */
gboolean collet_cluster_member_run (ColletCtl *ctl, char **arguments,
                                    const ColletClusterMemberOptions *options, ColletExit *exit);

G_END_DECLS
