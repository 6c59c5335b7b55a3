/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-service-private.h: what the files of the service share.
 */
#pragma once

#include "collet-bus-watch.h"
#include "collet-service.h"

G_BEGIN_DECLS

#define COLLET_MANAGER_INTERFACE "org.collet.Collet1.Manager"
#define COLLET_RELOAD_INTERFACE "org.collet.Collet1.Reload"
/* A question to which the answer is at hand. */
#define COLLET_READ_TIMEOUT_MS 15000

struct _ColletService
{
  GObject parent_instance;
  ColletBusWatch *watch;
  ColletClientBus bus;
  GDBusConnection *connection; /* where the daemon is; NULL if nowhere */
  GCancellable *cancellable;   /* of what is being read */
  guint subscription;          /* to all that it tells */
  ColletServiceState state;
  GError *error;
  gint64 stale_since;
  gboolean has_data;
  ColletItem *daemon;
  ColletItemList *lists[COLLET_N_LISTS];
  ColletMatrix *matrix;
  gboolean is_reading_matrix, matrix_is_due, has_matrix, is_matrix_missed;
  gboolean has_failed; /* an answer of the present reading */
  guint matrix_delay;
};

/* collet-service.c */
void collet_service_set_state (ColletService *self, ColletServiceState state, GError *error);

/* collet-service-read.c: subscribes to a daemon that came, and reads it. */
void collet_service_read_begin (ColletService *self);
void collet_service_read_end (ColletService *self);
void collet_service_read_all (ColletService *self);

/* Any error of a call, as the header says. Takes it. */
GError *collet_service_convert_error (GError *error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
