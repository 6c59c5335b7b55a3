/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-registration.h: changes of the tools that are not changes of code:
 * planned, made durable, applied; one at a time with those that reloads make.
 */
#pragma once

#include "collet-reloader.h"

G_BEGIN_DECLS

/* Errors of each as in collet-registry.h, and those of the store. finish for all
 * three: *changed whether anything was. */
void collet_reloader_register_tool_async (ColletReloader *self, const char *name, const char *module,
                                          const char *tool, const char *metadata,
                                          GAsyncReadyCallback callback, gpointer user_data);
void collet_reloader_unregister_tool_async (ColletReloader *self, const char *name,
                                            GAsyncReadyCallback callback, gpointer user_data);
void collet_reloader_update_tool_async (ColletReloader *self, const char *name, const char *version,
                                        GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_reloader_registration_finish (ColletReloader *self, GAsyncResult *result, gboolean *changed,
                                              GError **error);
/* Of update, after a finish that succeeded: the update that records the version. */
guint64 collet_reloader_registration_get_sequence (ColletReloader *self, GAsyncResult *result);

G_END_DECLS
