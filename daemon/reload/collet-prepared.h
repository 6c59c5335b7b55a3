/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-prepared.h: a reload in two phases. The first ends with the new version
 * stored, proven, started and rehearsed, and serving nobody; the second is what
 * any reload does from there: for a stateless module one database transaction
 * and one exchange of a pointer.
 *
 *   prepare ──> prepared ──> commit ──> published, and so on
 *                  └──> given up: abort, expiry, the prepared version's own crash,
 *                       the end of the daemon
 *
 * The handle is the ColletReload. From the request to the publication it holds
 * its modules: nothing else changes them meanwhile, so what was proven is still
 * true at the commit; others are refused with ReloadInProgress. A module has at
 * most one prepared version. Nothing of it outlives the process: the next start
 * finds the journal's entry and records that it was interrupted.
 *
 * Who decides is up to the caller: with `decided_by` in the request it is
 * somebody else than its owner (an agreement of many nodes, say), and commit and
 * abort from the bus are refused. Main thread.
 */
#pragma once

#include "collet-reloader.h"
#include "collet-tool-list.h"

G_BEGIN_DECLS

/* As submit, for a request with is_prepare; answers when it is prepared, or with
 * why it is not. It may be given up at any time after that: "finished" tells.
 * Takes `request`. */
void collet_reloader_prepare_async (ColletReloader *self, ColletReloadRequest *request,
                                    GAsyncReadyCallback callback, gpointer user_data);
ColletReload *collet_reloader_prepare_finish (ColletReloader *self, GAsyncResult *result, GError **error);

/* What is prepared of a module. `selector` (collet-version.h) must name the
 * version. It may have been decided on already (collet_reload_is_decided): its
 * commit is under way. NotPrepared, PrepareExpired, VersionMismatch. Borrowed. */
ColletReload *collet_reloader_find_prepared (ColletReloader *self, const char *module, const char *selector,
                                             GError **error);
/* May that user commit it or give it up? Its owner, root and the user whose
 * daemon this is may. NotAuthorized. */
gboolean collet_reload_check_decider (ColletReload *self, gint64 uid, GError **error);

/* Both need one that is prepared (collet_reload_is_prepared), and answer at once;
 * the rest is as for any reload. `uid` and `reason` (or NULL) for the history. */
void collet_reload_commit (ColletReload *self, gint64 uid, const char *reason);
void collet_reload_abandon (ColletReload *self, gint64 uid, const char *reason);

/* A tool of a prepared version, for calls on trial. NotPrepared, ToolNotFound,
 * and so on. */
ColletToolEntry *collet_reloader_dup_prepared_tool (ColletReloader *self, const char *module,
                                                    const char *selector, const char *tool, GError **error);

G_END_DECLS
