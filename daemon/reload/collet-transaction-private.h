/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the steps of one transaction share.
 */
#pragma once

#include "collet-reloader-private.h"

G_BEGIN_DECLS

typedef struct
{
  ColletReloader *reloader;
  ColletReload *reload;
  ColletRegistryPlan *plan;
  guint step;
  guint pending;
  gboolean is_journalled;
  gboolean is_changing; /* holds the change queue */
  guint timeout;
  guint expiry;       /* while it is prepared: a source that gives it up */
  GPtrArray *updates; /* ColletUpdateRow: what the commit told subscribers */
  GError *error;
  GError *taken_back; /* in its trial window */
} ColletTransaction;

/* A callback's view: the transaction and the item that it is about. */
typedef struct
{
  ColletTransaction *transaction;
  ColletReloadItem *item;
} ColletItemOperation;

/* The step is not over until the operation is released, with the error that it
 * ended with (taken) or NULL. */
ColletItemOperation *collet_transaction_hold (ColletTransaction *self, ColletReloadItem *item);
void collet_transaction_release (ColletItemOperation *operation, GError *error);

/* The same for one that is about no single item (`pending` was counted up). */
void collet_transaction_finish_part (ColletTransaction *self, GError *error);
/* The request's limit of time begins (again). */
void collet_transaction_start_timeout (ColletTransaction *self);

/* Is the new version called before it is published? */
static inline gboolean
collet_transaction_has_trial (ColletReload *reload, const ColletReloadItem *item)
{
  return item->to != NULL && (collet_reload_get_request (reload)->is_prepare ||
                              (item->smoke_cases != NULL && item->smoke_cases->len > 0));
}

static inline GCancellable *
collet_transaction_get_cancellable (ColletTransaction *self)
{
  return collet_reload_get_cancellable (self->reload);
}

/* A place where a version that serves nobody takes calls on trial; closed at the
 * latest before it is published or ended. */
void collet_transaction_open_trial (ColletReloadItem *item);
void collet_transaction_close_trial (ColletReloadItem *item);

/* Is state carried from the old version's format into the new one's? */
gboolean collet_transaction_carries (ColletTransaction *self, const ColletReloadItem *item);

/* Steps. */
void collet_transaction_smoke_test (ColletTransaction *self, GPtrArray *items);
void collet_transaction_park (ColletTransaction *self, GPtrArray *items);
void collet_transaction_rehearse (ColletTransaction *self, GPtrArray *items);
void collet_transaction_quiesce (ColletTransaction *self, GPtrArray *items);
void collet_transaction_try (ColletTransaction *self, GPtrArray *items);
/* The old generation drains; part of the present step. */
void collet_transaction_retire (ColletTransaction *self, ColletReloadItem *item);
void collet_transaction_migrate (ColletTransaction *self, GPtrArray *items);

G_END_DECLS
