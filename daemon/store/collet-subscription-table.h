/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-subscription-table.h: subscriber, subscription, subscriber_event and
 * tool_check. Store thread, within a transaction. A name that belongs to another
 * user than `uid` is NotAuthorized; user 0 may use any.
 */
#pragma once

#include "collet-database.h"
#include "collet-rows.h"

G_BEGIN_DECLS

/* A second time is no error. *sequence: the newest update. Overloaded past the
 * limits of collet-subscription.h. */
gboolean collet_subscription_table_add (ColletDatabase *db, const char *subscriber, gint64 uid,
                                        const char *tool, guint64 *sequence, GError **error);
/* With a name's last subscription the name is forgotten, unless it is "uid:N". */
gboolean collet_subscription_table_remove (ColletDatabase *db, const char *subscriber, gint64 uid,
                                           const char *tool, gboolean *existed, GError **error);
/* Remembers the look. NotFound. */
ColletToolCheck *collet_subscription_table_check (ColletDatabase *db, const char *subscriber, gint64 uid,
                                                  const char *tool, GError **error);
/* After `sequence`, at most `limit`. */
ColletUpdateList *collet_subscription_table_read_updates (ColletDatabase *db, const char *subscriber,
                                                          gint64 uid, guint64 sequence, guint limit,
                                                          GError **error);
/* Sorted by subscriber and tool; of one (NULL: all), with what is pending. */
GPtrArray *collet_subscription_table_list (ColletDatabase *db, const char *subscriber, GError **error);
/* For the image: as list, without what is pending. */
gboolean collet_subscription_table_read (ColletDatabase *db, GPtrArray *rows, GError **error);

G_END_DECLS
