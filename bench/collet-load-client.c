/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-load-client.h"

#include <gio/gio.h>

LoadClient *
load_client_new (const LoadDialect *dialect, const char *run_id, guint index)
{
  LoadClient *client = g_new0 (LoadClient, 1);

  client->dialect = dialect;
  client->run_id = run_id;
  client->index = index;
  client->io = load_connection_new ();
  client->head = load_dialect_head (dialect, NULL);
  return client;
}

void
load_client_free (LoadClient *client)
{
  load_connection_free (client->io);
  g_free (client->session);
  g_free (client->head);
  g_free (client);
}

static gboolean
exchange (LoadClient *client, const char *what, int timeout_ms, LoadResponse *response, GError **error)
{
  if (!load_connection_send (client->io))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE, "%s: the connection broke", what);
      return FALSE;
    }
  if (load_connection_wait (client->io, timeout_ms, response, error))
    return TRUE;
  g_prefix_error (error, "%s: ", what);
  return FALSE;
}

gboolean
load_client_open (LoadClient *client, int timeout_ms, GError **error)
{
  LoadResponse response;

  if (!load_connection_open (client->io, client->dialect->url, error))
    return FALSE;
  if (client->dialect->era != LOAD_ERA_LEGACY)
    return TRUE;
  load_initialize_write (client->dialect, client->io->out);
  if (!exchange (client, "initialize", timeout_ms, &response, error))
    return FALSE;
  if (response.status != 200)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "initialize: HTTP %u: %.*s", response.status,
                   (int)MIN (response.body.size, 400), response.body.at != NULL ? response.body.at : "");
      return FALSE;
    }
  client->session = bench_slice_dup (response.session);
  g_free (client->head);
  client->head = load_dialect_head (client->dialect, client->session);
  load_initialized_write (client->head, client->io->out);
  if (!exchange (client, "notifications/initialized", timeout_ms, &response, error))
    return FALSE;
  if (response.status == 202)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "notifications/initialized: HTTP %u instead of 202",
               response.status);
  return FALSE;
}

void
load_client_prepare (LoadClient *client, LoadTool tool)
{
  LoadCall *call = &client->call;
  guint64 n = client->n++;

  g_snprintf (call->id, sizeof call->id, "%s-%u-%" G_GUINT64_FORMAT, client->run_id, client->index, n);
  call->tool = tool;
  call->a = (gint64)(n % 100003);
  /* memory_add: positive, so that no total comes twice. */
  call->value = tool == LOAD_TOOL_ADD ? call->a + client->index * 7 : (gint64)(n % 97) + 1;
  load_call_write (call, client->dialect, client->head, client->io->out);
}
