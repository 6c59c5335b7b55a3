/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-endpoint.h"

#include "collet-http-listener.h"
#include "collet-mcp-server.h"
#include "collet-node-metrics.h"
#include "collet-rows.h"
#include "collet-seal-key.h"
#include "collet-session-keeper.h"
#include "collet-sockets.h"
#include "collet-token-file.h"

struct _ColletEndpoint
{
  ColletMcpServer *server;
  ColletStore *store;
  ColletSessionKeeper *sessions;
  ColletNodeMetrics *metrics;
  GStrv addresses;
  GArray *sockets;      /* ColletListenSocket; the listeners take them */
  GPtrArray *listeners; /* ColletHttpListener, ended by collet_endpoint_stop */
  const ColletOptions *options;
  GArray *uids; /* who may use the unix socket; NULL: everybody */
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
  row->trace = g_strdup (record->trace);
  row->outcome = g_strdup (record->outcome);
  collet_store_record_call (self->store, row);
}

/* Main thread. */
static void
on_metrics (gpointer data, GString *out)
{
  collet_node_metrics_append (((ColletEndpoint *)data)->metrics, out);
}

static void
on_tools_changed (ColletRegistry *registry, guint64 serial, gpointer data)
{
  collet_mcp_server_tools_changed (((ColletEndpoint *)data)->server);
}

/* ---- settings ---- */

static ColletMcpLimits
limits_of (const ColletConfig *config)
{
  return (ColletMcpLimits){
    .max_sessions = config->max_sessions,
    .session_idle_s = config->session_idle_s,
    .max_calls = config->max_calls,
    .max_calls_per_session = config->max_calls_per_session,
    .max_requests_per_second = config->session_requests_per_second,
    .max_client_requests = config->client_requests_per_second,
    .max_depth = config->max_depth,
    .call_timeout_ms = config->call_timeout_s * 1000,
    .input_timeout_ms = config->input_timeout_s * 1000,
  };
}

/* Borrows from both. */
static ColletHttpPolicy
policy_of (const ColletConfig *config, const GArray *uids)
{
  return (ColletHttpPolicy){
    .allowed_uids = uids,
    .allowed_hosts = (const char *const *)config->allowed_hosts,
    .allowed_origins = (const char *const *)config->allowed_origins,
    .max_body = (gsize)config->max_body_kib * 1024,
  };
}

/* FALSE: nothing was changed. *access NULL: open. */
static gboolean
read_access (const ColletConfig *config, GArray **uids, ColletMcpAccess **access, GError **error)
{
  g_autoptr (ColletMcpAccess) read = NULL;

  if (config->token_file != NULL && (read = collet_token_file_load (config->token_file, error)) == NULL)
    return FALSE;
  if (!collet_config_resolve_users (config, uids, error))
    return FALSE;
  *access = g_steal_pointer (&read);
  return TRUE;
}

gboolean
collet_endpoint_configure (ColletEndpoint *self, const ColletConfig *config, GError **error)
{
  const ColletMcpLimits limits = limits_of (config);
  ColletHttpPolicy policy;
  ColletMcpAccess *access = NULL;
  GArray *uids = NULL;

  if (!read_access (config, &uids, &access, error))
    return FALSE;
  collet_mcp_server_configure (self->server, &limits, access);
  policy = policy_of (config, uids);
  for (guint i = 0; i < self->listeners->len; i++)
    collet_http_listener_set_policy (self->listeners->pdata[i], &policy);
  collet_sockets_admit (self->sockets, self->options, config);
  g_clear_pointer (&self->uids, g_array_unref);
  self->uids = uids;
  return TRUE;
}

/* ---- life ---- */

static GStrv
list_addresses (GArray *sockets)
{
  g_autoptr (GStrvBuilder) addresses = g_strv_builder_new ();

  for (guint i = 0; i < sockets->len; i++)
    g_strv_builder_add (addresses, g_array_index (sockets, ColletListenSocket, i).address);
  return g_strv_builder_end (addresses);
}

ColletEndpoint *
collet_endpoint_new (const ColletOptions *options, ColletToolDirectory *directory,
                     ColletCallRecorder *recorder, ColletReloader *reloader, ColletStore *store,
                     GPtrArray *sessions, GArray *received, GError **error)
{
  g_autoptr (GArray) sockets = NULL;
  g_autoptr (GArray) uids = NULL;
  guchar seal_key[COLLET_MCP_SEAL_KEY_SIZE];
  ColletMcpAccess *access = NULL;
  ColletEndpoint *self;

  /* First what the sockets are guarded by. */
  if (!read_access (options->config, &uids, &access, error))
    return NULL;
  if (collet_seal_key_load (options->data_folder, seal_key, error))
    sockets = collet_sockets_open (options, received, error);
  if (sockets == NULL)
    {
      g_clear_pointer (&access, collet_mcp_access_free);
      return NULL;
    }
  self = g_new0 (ColletEndpoint, 1);
  self->options = options;
  self->sockets = g_steal_pointer (&sockets);
  self->addresses = list_addresses (self->sockets);
  self->uids = g_steal_pointer (&uids);
  self->listeners = g_ptr_array_new ();
  self->sessions = collet_session_keeper_new (store);
  self->store = g_object_ref (store);
  self->metrics = collet_node_metrics_new (reloader);
  const ColletMcpConfig config = {
    .directory = directory,
    .store = collet_session_keeper_get_store (self->sessions),
    .limits = limits_of (options->config),
    .access = access,
    .instructions = options->config->instructions,
    .version = COLLET_VERSION,
    .seal_key = seal_key,
    .append_metrics = on_metrics,
    .record = options->record_calls ? on_record : NULL,
    .recorder = recorder,
    .user_data = self,
  };
  self->server = collet_mcp_server_new (&config);
  collet_session_keeper_import (self->sessions, sessions, self->server);
  g_signal_connect (collet_reloader_get_registry (reloader), "tools-changed", G_CALLBACK (on_tools_changed),
                    self);
  return self;
}

gboolean
collet_endpoint_start (ColletEndpoint *self, GError **error)
{
  const ColletConfig *settings = self->options->config;

  for (guint i = 0; i < self->sockets->len; i++)
    {
      ColletListenSocket *socket = &g_array_index (self->sockets, ColletListenSocket, i);
      const ColletHttpConfig config = {
        .listen_fd = socket->fd,
        .is_kept = socket->is_kept,
        .handler = collet_mcp_server_get_handler (),
        .user_data = self->server,
        .threads = (guint)self->options->http_threads,
        .max_connections = settings->max_connections,
        .max_connections_per_ip = settings->max_connections_per_address,
        .max_streams = settings->max_streams,
        .request_timeout_ms = settings->request_timeout_s * 1000,
        .policy = policy_of (settings, self->uids),
      };
      ColletHttpListener *listener = collet_http_listener_new (&config, error);

      socket->fd = -1;
      if (listener == NULL)
        return FALSE;
      g_ptr_array_add (self->listeners, listener);
    }
  return TRUE;
}

const char *const *
collet_endpoint_get_addresses (ColletEndpoint *self)
{
  return (const char *const *)self->addresses;
}

gboolean
collet_endpoint_is_kept (ColletEndpoint *self)
{
  for (guint i = 0; i < self->sockets->len; i++)
    if (!g_array_index (self->sockets, ColletListenSocket, i).is_kept)
      return FALSE;
  return self->sockets->len > 0;
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
  for (guint i = 0; i < self->listeners->len; i++)
    collet_http_listener_quiesce (self->listeners->pdata[i]);
  for (guint i = 0; i < self->listeners->len; i++)
    collet_http_listener_stop (self->listeners->pdata[i], self->grace_ms);
  g_ptr_array_set_size (self->listeners, 0);
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
  g_array_unref (self->sockets);
  g_ptr_array_unref (self->listeners);
  g_clear_pointer (&self->uids, g_array_unref);
  g_clear_pointer (&self->server, collet_mcp_server_free);
  g_clear_pointer (&self->sessions, collet_session_keeper_free);
  g_clear_pointer (&self->metrics, collet_node_metrics_free);
  g_clear_object (&self->store);
  g_strfreev (self->addresses);
  g_free (self);
}
