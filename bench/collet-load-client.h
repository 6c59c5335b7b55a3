/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-load-client.h: one connection with its session and its one call.
 */
#pragma once

#include "collet-load-call.h"

G_BEGIN_DECLS

typedef struct
{
  const LoadDialect *dialect;
  const char *run_id;
  guint index;
  LoadConnection *io;
  char *session; /* NULL outside the legacy era */
  char *head;
  LoadCall call;
  guint64 n; /* calls prepared */
  gboolean is_calling;
  gint64 reopen_ns; /* not before, once broken */
} LoadClient;

LoadClient *load_client_new (const LoadDialect *dialect, const char *run_id, guint index);
void load_client_free (LoadClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadClient, load_client_free)

/* Connects and, in the legacy era, opens a session. Blocks. */
gboolean load_client_open (LoadClient *client, int timeout_ms, GError **error);
/* Makes the next call, with a new id, and writes its request. */
void load_client_prepare (LoadClient *client, LoadTool tool);

G_END_DECLS
