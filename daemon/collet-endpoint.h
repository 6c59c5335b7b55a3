/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-endpoint.h: MCP over HTTP: listeners and protocol put together, calls
 * recorded if asked for. Main thread.
 */
#pragma once

#include "collet-call-recorder.h"
#include "collet-options.h"
#include "collet-reloader.h"
#include "collet-store.h"

G_BEGIN_DECLS

typedef struct _ColletEndpoint ColletEndpoint;

/* Takes the addresses, so a taken one is found before anything else starts;
 * answers nothing yet. sessions: of the store's image, borrowed; they are valid
 * again. received: from collet_systemd_receive, emptied. AddressInUse, and the
 * errors of the configuration. `options` must outlive it. */
ColletEndpoint *collet_endpoint_new (const ColletOptions *options, ColletToolDirectory *directory,
                                     ColletCallRecorder *recorder, ColletReloader *reloader,
                                     ColletStore *store, GPtrArray *sessions, GArray *received,
                                     GError **error);
/* What is live of the configuration; all of it, or nothing on an error. */
gboolean collet_endpoint_configure (ColletEndpoint *self, const ColletConfig *config, GError **error);
gboolean collet_endpoint_start (ColletEndpoint *self, GError **error);
/* URLs and "unix:" paths; NULL-terminated, borrowed. */
const char *const *collet_endpoint_get_addresses (ColletEndpoint *self);
/* Whether every socket stays open without us. */
gboolean collet_endpoint_is_kept (ColletEndpoint *self);
/* Adds sessions and dropped-records ("{st}"); `endpoint` is a ColletEndpoint. */
void collet_endpoint_add_counts (gpointer endpoint, GVariantBuilder *counts);
/* Takes no more requests; `done` comes on the main thread when those in flight
 * are answered, or after grace_ms. */
void collet_endpoint_stop (ColletEndpoint *self, guint grace_ms, void (*done) (gpointer user_data),
                           gpointer user_data);
void collet_endpoint_free (ColletEndpoint *self);

G_END_DECLS
