/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-status.h: how something is, always as shape and word; colour only for
 * what is an exception.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum
{
  COLLET_STATUS_NEUTRAL, /* no icon */
  COLLET_STATUS_OK,
  COLLET_STATUS_BUSY,
  COLLET_STATUS_ATTENTION,
  COLLET_STATUS_BROKEN,
  COLLET_STATUS_OFFLINE,
  COLLET_STATUS_UNKNOWN,
  COLLET_STATUS_ABSENT,
  COLLET_N_STATUSES
} ColletStatusKind;

/* NULL for NEUTRAL. */
const char *collet_status_get_icon (ColletStatusKind kind);
/* A style class; NULL for what is not coloured. */
const char *collet_status_get_style (ColletStatusKind kind);

#define COLLET_TYPE_STATUS (collet_status_get_type ())
G_DECLARE_FINAL_TYPE (ColletStatus, collet_status, COLLET, STATUS, GtkWidget)

GtkWidget *collet_status_new (void);
void collet_status_set (ColletStatus *self, ColletStatusKind kind, const char *word);

G_END_DECLS
