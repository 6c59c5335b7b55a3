/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-subscriber.h: who is told of changes of tools: durable, by name, counted
 * on the tools. `subscriber` as from collet_subscriber_dup_name. Each finish gives
 * the errors of the store; NotAuthorized for a name of another user.
 */
#pragma once

#include "collet-reloader.h"

G_BEGIN_DECLS

/* tool "*": every one. NotFound. *sequence: the newest update. */
void collet_reloader_subscribe_async (ColletReloader *self, const char *subscriber, gint64 uid,
                                      const char *tool, GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_reloader_subscribe_finish (ColletReloader *self, GAsyncResult *result, guint64 *sequence,
                                           GError **error);
void collet_reloader_unsubscribe_async (ColletReloader *self, const char *subscriber, gint64 uid,
                                        const char *tool, GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_reloader_unsubscribe_finish (ColletReloader *self, GAsyncResult *result, gboolean *existed,
                                             GError **error);
/* Remembers that the subscriber has seen the present version. NotFound. */
void collet_reloader_check_tool_async (ColletReloader *self, const char *subscriber, gint64 uid,
                                       const char *tool, GAsyncReadyCallback callback, gpointer user_data);
ColletToolCheck *
collet_reloader_check_tool_finish (ColletReloader *self, GAsyncResult *result, GError **error);
/* At most `limit` after `sequence`. */
void collet_reloader_updates_async (ColletReloader *self, const char *subscriber, gint64 uid,
                                    guint64 sequence, guint limit, GAsyncReadyCallback callback,
                                    gpointer user_data);
ColletUpdateList *collet_reloader_updates_finish (ColletReloader *self, GAsyncResult *result, GError **error);
/* ColletSubscriptionRow; subscriber NULL: all. */
void collet_reloader_subscriptions_async (ColletReloader *self, const char *subscriber,
                                          GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *collet_reloader_subscriptions_finish (ColletReloader *self, GAsyncResult *result, GError **error);

G_END_DECLS
