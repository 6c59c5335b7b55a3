/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-nodes-page.h: the daemons of the cluster.
 */
#pragma once

#include "collet-page.h"

G_BEGIN_DECLS

#define COLLET_TYPE_NODES_PAGE (collet_nodes_page_get_type ())
G_DECLARE_FINAL_TYPE (ColletNodesPage, collet_nodes_page, COLLET, NODES_PAGE, ColletPage)

G_END_DECLS
