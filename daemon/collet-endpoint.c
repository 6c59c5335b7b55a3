/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-endpoint.h"

#include <unistd.h>

#include "collet-http-listener.h"
#include "collet-http-socket.h"
#include "collet-mcp-server.h"
#include "collet-rows.h"
#include "collet-seal-key.h"
#include "collet-session-keeper.h"

#define MAX_LISTENERS 2
#define UNIX_SOCKET_MODE 0600
/* How long calls in flight may take when the daemon is asked to stop. */
struct _ColletEndpoint
{
  ColletMcpServer *server;
  ColletStore *store;
  ColletSessionKeeper *sessions;
  GStrv addresses;
  int fds[MAX_LISTENERS]; /* until the listeners take them */
  guint n_fds;
  ColletHttpListener *listeners[MAX_LISTENERS];
  guint n_listeners;
  guint threads;
  guint grace_ms;
};

/* Any thread. */
static void
on_record (gpointer data, const ColletMcpCallRecord *record)
{
  ColletEndpoint *self = data;
  ColletCallRow *row = collet_call_row_new ();

  row->at = g_get_real_time ();
  row->request_id = g_strndup (record->request_id, record->request_id_size);
  row->client = g_strdup (record->client);
  row->tool = g_strdup (record->tool);
  row->sha256 = g_strdup (record->sha256);
  row->generation = record->generation;
  row->duration_us = record->duration_us;
  row->outcome = g_strdup (record->outcome);
  collet_store_record_call (self->store, row);
}

static void
on_tools_changed (ColletRegistry *registry, guint64 serial, gpointer data)
{
  collet_mcp_server_tools_changed (((ColletEndpoint *)data)->server);
}

static gboolean
take_addresses (ColletEndpoint *self, const ColletOptions *options, GError **error)
{
  g_autoptr (GStrvBuilder) addresses = g_strv_builder_new ();

  if (options->listen != NULL)
    {
      int fd = collet_http_socket_listen_tcp (options->listen, error);

      if (fd < 0)
        return FALSE;
      self->fds[self->n_fds++] = fd;

      g_autofree char *host = g_strndup (options->listen, strrchr (options->listen, ':') - options->listen);
      g_autofree char *url = g_strdup_printf ("http://%s:%u/mcp", host, collet_http_socket_get_port (fd));
      g_strv_builder_add (addresses, url);
    }
  if (options->socket != NULL)
    {
      int fd = collet_http_socket_listen_unix (options->socket, UNIX_SOCKET_MODE, error);

      if (fd < 0)
        return FALSE;
      self->fds[self->n_fds++] = fd;

      g_autofree char *address = g_strconcat ("unix:", options->socket, NULL);
      g_strv_builder_add (addresses, address);
    }
  self->addresses = g_strv_builder_end (addresses);
  return TRUE;
}

ColletEndpoint *
collet_endpoint_new (const ColletOptions *options, ColletToolDirectory *directory, ColletRegistry *registry,
                     ColletStore *store, GPtrArray *sessions, GError **error)
{
  ColletEndpoint *self = g_new0 (ColletEndpoint, 1);

  guchar seal_key[COLLET_MCP_SEAL_KEY_SIZE];

  collet_seal_key_load (options->data_folder, seal_key);
  self->sessions = collet_session_keeper_new (store);
  const ColletMcpConfig config = {
    .directory = directory,
    .store = collet_session_keeper_get_store (self->sessions),
    .version = COLLET_VERSION,
    .seal_key = seal_key,
    .record = options->record_calls ? on_record : NULL,
    .user_data = self,
  };

  self->store = g_object_ref (store);
  self->threads = options->http_threads;
  self->server = collet_mcp_server_new (&config);
  collet_session_keeper_import (self->sessions, sessions, self->server);
  g_signal_connect (registry, "tools-changed", G_CALLBACK (on_tools_changed), self);
  if (take_addresses (self, options, error))
    return self;
  g_signal_handlers_disconnect_by_data (registry, self);
  collet_endpoint_free (self);
  return NULL;
}

gboolean
collet_endpoint_start (ColletEndpoint *self, GError **error)
{
  while (self->n_listeners < self->n_fds)
    {
      const ColletHttpConfig config = {
        .listen_fd = self->fds[self->n_listeners],
        .handler = collet_mcp_server_get_handler (),
        .user_data = self->server,
        .threads = self->threads,
      };
      ColletHttpListener *listener = collet_http_listener_new (&config, error);

      self->fds[self->n_listeners] = -1;
      if (listener == NULL)
        return FALSE;
      self->listeners[self->n_listeners++] = listener;
    }
  return TRUE;
}

const char *const *
collet_endpoint_get_addresses (ColletEndpoint *self)
{
  return (const char *const *)self->addresses;
}

void
collet_endpoint_add_counts (gpointer endpoint, GVariantBuilder *counts)
{
  ColletEndpoint *self = endpoint;

  g_variant_builder_add (counts, "{st}", "sessions", (guint64)collet_mcp_server_get_sessions (self->server));
  g_variant_builder_add (counts, "{st}", "dropped-records", collet_store_get_dropped_calls (self->store));
}

/* ---- stop ---- */

typedef struct
{
  void (*done) (gpointer user_data);
  gpointer user_data;
} Stop;

/* Its own thread: waiting for answers blocks. */
static void
stop_listeners (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  ColletEndpoint *self = data;

  collet_mcp_server_end_streams (self->server);
  for (guint i = 0; i < self->n_listeners; i++)
    collet_http_listener_quiesce (self->listeners[i]);
  while (self->n_listeners > 0)
    collet_http_listener_stop (self->listeners[--self->n_listeners], self->grace_ms);
  g_task_return_boolean (task, TRUE);
}

static void
on_stopped (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autofree Stop *stop = data;

  stop->done (stop->user_data);
}

void
collet_endpoint_stop (ColletEndpoint *self, guint grace_ms, void (*done) (gpointer user_data),
                      gpointer user_data)
{
  Stop *stop = g_new (Stop, 1);

  *stop = (Stop){ done, user_data };
  self->grace_ms = grace_ms;
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_stopped, stop);
  g_task_set_task_data (task, self, NULL);
  g_task_run_in_thread (task, stop_listeners);
}

void
collet_endpoint_free (ColletEndpoint *self)
{
  for (guint i = 0; i < self->n_fds; i++)
    if (self->fds[i] >= 0)
      close (self->fds[i]);
  g_clear_pointer (&self->server, collet_mcp_server_free);
  g_clear_pointer (&self->sessions, collet_session_keeper_free);
  g_clear_object (&self->store);
  g_strfreev (self->addresses);
  g_free (self);
}
