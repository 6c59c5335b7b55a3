/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The Manager's methods, by what they are about. Each table ends with a NULL
 * name; the handlers' object is the ColletManagerObject.
 */
#pragma once

#include "collet-bus-guard.h"
#include "collet-history.h"
#include "collet-watch.h"
#include "collet-cluster-objects.h"
#include "collet-manager-object.h"
#include "collet-reload-request.h"

ColletClusterObjects *collet_manager_object_get_cluster_objects (ColletManagerObject *self);

/* Submits the request with the method's options and answers with the Reload
 * object's path. Takes `request`. (collet-manager-reload.c) */
void collet_manager_object_submit (ColletManagerObject *self, ColletBusCall *call,
                                   ColletReloadRequest *request, GVariant *options);

/* As collet_reloader_find_entry_async(), also by the path of its object
 * (collet-manager-history.c). */
void collet_manager_find_entry (ColletReloader *reloader, const char *wanted, GAsyncReadyCallback callback,
                                gpointer user_data);

/* The same, for who has the reloader alone. */
void collet_manager_submit (ColletReloader *reloader, ColletBusCall *call, ColletReloadRequest *request,
                            GVariant *options);

extern const ColletBusMethod collet_manager_reload_methods[];
extern const ColletBusMethod collet_manager_service_methods[];
extern const ColletBusMethod collet_manager_trial_methods[];
extern const ColletBusMethod collet_manager_prepare_methods[];
extern const ColletBusMethod collet_manager_smoke_methods[];
extern const ColletBusMethod collet_manager_module_methods[];
extern const ColletBusMethod collet_manager_tool_methods[];
extern const ColletBusMethod collet_manager_history_methods[];
extern const ColletBusMethod collet_manager_cluster_methods[];
extern const ColletBusMethod collet_manager_override_methods[];
extern const ColletBusMethod collet_manager_sync_methods[];
extern const ColletBusMethod collet_manager_rollout_methods[];
extern const ColletBusMethod collet_manager_matrix_methods[];
extern const ColletBusMethod collet_manager_member_methods[];
extern const ColletBusMethod collet_manager_subscription_methods[];
extern const ColletBusMethod collet_manager_version_methods[];
extern const ColletBusMethod collet_manager_watch_methods[];

/* Handler of the watches' signal; emits the Manager's. */
void collet_manager_watch_report (ColletWatches *watches, const ColletWatchReport *report, gpointer manager);
