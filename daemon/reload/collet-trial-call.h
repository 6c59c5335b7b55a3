/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-trial-call.h: one call of a tool of a version that serves nobody yet.
 * Main thread.
 */
#pragma once

#include <gio/gio.h>

#include "collet-tool-list.h"

G_BEGIN_DECLS

/* `entry` is taken (see collet_reload_item_dup_tool). The arguments are checked
 * against the tool's schema first. */
void collet_trial_call_async (ColletToolEntry *entry, const char *arguments, guint timeout_ms,
                              GAsyncReadyCallback callback, gpointer user_data);
/* The CallToolResult, checked; InvalidArguments, InvalidResult, WorkerCrashed,
 * CallTimeout and so on. */
ColletJson *collet_trial_call_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
