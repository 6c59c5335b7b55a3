/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-state-bin.h: a list, or why there is none to see. Every load ends here:
 * loading, empty, no match, no daemon, not allowed, an error with its details.
 */
#pragma once

#include <adwaita.h>

#include "collet-service.h"

G_BEGIN_DECLS

#define COLLET_TYPE_STATE_BIN (collet_state_bin_get_type ())
G_DECLARE_FINAL_TYPE (ColletStateBin, collet_state_bin, COLLET, STATE_BIN, GtkWidget)

/* Properties: "child" (GtkWidget), "empty-icon", "empty-title",
 * "empty-description" (strings).
 * all: before it is filtered; shown: after that. */
void
collet_state_bin_watch (ColletStateBin *self, ColletService *service, GListModel *all, GListModel *shown);
/* For what is asked for by a method: NULL when it begins, the error (copied) when
 * it failed, or collet_state_bin_set_read() when it is there. */
void collet_state_bin_set_asking (ColletStateBin *self);
void collet_state_bin_set_error (ColletStateBin *self, const GError *error);
void collet_state_bin_set_read (ColletStateBin *self);

G_END_DECLS
