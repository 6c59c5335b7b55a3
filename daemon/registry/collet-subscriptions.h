/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-subscriptions.h: who subscribes to which tool, as the database has it;
 * for counting. Main thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColletSubscriptions ColletSubscriptions;

ColletSubscriptions *collet_subscriptions_new (void);
void collet_subscriptions_free (ColletSubscriptions *self);

/* tool "*": every tool. A second time, or one that is not there, is no error. */
void collet_subscriptions_add (ColletSubscriptions *self, const char *subscriber, const char *tool);
void collet_subscriptions_remove (ColletSubscriptions *self, const char *subscriber, const char *tool);
/* How many names are told of that tool. */
guint collet_subscriptions_count (ColletSubscriptions *self, const char *tool);

G_END_DECLS
