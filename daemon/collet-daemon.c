/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-daemon.h"

#include <stdlib.h>
#include <unistd.h>

#include "collet-bus-service.h"
#include "collet-call-log.h"
#include "collet-cluster-member.h"
#include "collet-endpoint.h"
#include "collet-error.h"
#include "collet-host.h"
#include "collet-http-socket.h"
#include "collet-loader.h"
#include "collet-revocations.h"
#include "collet-rows.h"
#include "collet-store.h"
#include "collet-trust.h"
#include "collet-watch.h"
#include "collet-systemd.h"

/* The least time that modules get to come to rest, so that their state is saved. */
#define LAST_TURNS 1000 /* of the main loop */
#define REST_MS 3000

struct _ColletDaemon
{
  GObject parent_instance;
  const ColletOptions *options;
  GMainLoop *loop;
  ColletSpawn *spawn;
  ColletWorkerUser worker_user;
  ColletStore *store;
  ColletStoreImage *image; /* until it is recovered */
  ColletToolDirectory *directory;
  ColletCallRecorder *recorder; /* NULL: calls are not recorded */
  ColletRegistry *registry;
  ColletLoader *loader;
  ColletReloader *reloader;
  ColletWatches *watches;
  ColletRevocations *revocations; /* from the recovery to the shutdown */
  ColletClusterMember *cluster;   /* from the recovery to the shutdown */
  ColletEndpoint *endpoint;
  ColletBusService *bus;
  GArray *received; /* sockets of the service manager */
  guint watchdog;
  char *warning; /* what an administrator should see, or NULL */
  int status;
  guint drain_timeout_ms;
  gint64 stop_by_us; /* monotonic */
  gboolean is_serving;
  gboolean is_asked_to_stop;
  gboolean is_stopping;
  gboolean is_hurried;
};

G_DEFINE_FINAL_TYPE (ColletDaemon, collet_daemon, G_TYPE_OBJECT)

static void
collet_daemon_finalize (GObject *object)
{
  ColletDaemon *self = COLLET_DAEMON (object);

  g_clear_object (&self->bus);
  g_clear_pointer (&self->cluster, collet_cluster_member_free);
  g_clear_pointer (&self->endpoint, collet_endpoint_free);
  g_clear_object (&self->watches);
  g_clear_pointer (&self->revocations, collet_revocations_free);
  g_clear_object (&self->reloader);
  g_clear_object (&self->loader);
  g_clear_object (&self->registry);
  g_clear_pointer (&self->directory, collet_tool_directory_free);
  g_clear_pointer (&self->recorder, collet_call_recorder_free);
  g_clear_pointer (&self->image, collet_store_image_free);
  g_clear_object (&self->store);
  if (self->spawn != NULL)
    g_signal_handlers_disconnect_by_data (self->spawn, self);
  g_clear_object (&self->spawn);
  collet_worker_user_clear (&self->worker_user);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_clear_handle_id (&self->watchdog, g_source_remove);
  g_clear_pointer (&self->received, g_array_unref);
  g_free (self->warning);
  G_OBJECT_CLASS (collet_daemon_parent_class)->finalize (object);
}

static void
collet_daemon_class_init (ColletDaemonClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_daemon_finalize;
}

static void
collet_daemon_init (ColletDaemon *self)
{
  self->loop = g_main_loop_new (NULL, FALSE);
}

static gboolean
open_store (ColletDaemon *self, GError **error)
{
  g_autofree char *moved_to = NULL;

  self->store = collet_store_open (self->options->data_folder, &self->image, &moved_to, error);
  if (self->store == NULL)
    return FALSE;
  if (moved_to != NULL)
    {
      self->warning =
          g_strdup_printf ("The database was damaged and has been moved to %s; a new one was begun. "
                           "Load the modules again, or restore a backup.",
                           moved_to);
      g_warning ("%s", self->warning);
    }
  return TRUE;
}

static void on_shutdown_requested (ColletReloader *reloader, guint timeout_ms, gpointer data);

static gboolean
set_trust (ColletLoader *loader, const ColletOptions *options, GError **error)
{
  ColletTrustPolicy policy = {
    .level = COLLET_TRUST_OWNED,
    .keys = options->keys,
    .trusts_caller = !options->is_system,
    .network = options->config->trust_network,
  };

  if (options->trust != NULL && !collet_trust_level_from_string (options->trust, &policy.level))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "The rule of trust is \"%s\"; it can be \"signed\", \"owned\" or \"any\".",
                   options->trust);
      return FALSE;
    }
  collet_loader_set_trust (loader, &policy);
  return TRUE;
}

static void fail (ColletDaemon *self, GError *error);

/* A new daemon has the right again that this one gave up. */
static void
on_fork_server_lost (ColletSpawn *spawn, gpointer data)
{
  ColletDaemon *self = data;

  fail (self, g_error_new (
                  COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED,
                  "The fork server ended, which alone may run workers as user %s. The daemon ends, for the "
                  "service manager to start it again.",
                  self->worker_user.name));
}

static gboolean
start_fork_server (ColletDaemon *self, const char *const *readable, GError **error)
{
  const ColletOptions *options = self->options;
  g_autofree char *why_not = NULL;

  if (!collet_privileges_choose (options->config->worker_user, &self->worker_user, &why_not, error))
    return FALSE;
  self->spawn =
      collet_spawn_new_as (options->worker, readable, &self->worker_user, options->allow_unconfined, error);
  if (self->spawn == NULL || !collet_privileges_drop (error))
    return FALSE;
  g_signal_connect (self->spawn, "lost", G_CALLBACK (on_fork_server_lost), self);
  if (why_not == NULL)
    g_message ("Workers run as user %s.", self->worker_user.name);
  else
    g_message ("Workers run as the daemon's user: %s.", why_not);
  return TRUE;
}

static gboolean
build (ColletDaemon *self, GError **error)
{
  const ColletOptions *options = self->options;
  g_autofree char *artifacts = g_build_filename (options->data_folder, "artifacts", NULL);
  const char *const readable[] = { artifacts, NULL };
  ColletHostConfig host_config;
  ColletReloaderConfig reloader_config;

  /* Before there are threads, and before anything foreign is read. */
  if (!start_fork_server (self, readable, error))
    return FALSE;
  if (!open_store (self, error))
    return FALSE;
  if (g_mkdir_with_parents (artifacts, 0700) != 0)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_READ_ONLY, "%s cannot be made. Check its owner.",
                   artifacts);
      return FALSE;
    }
  self->loader = collet_loader_new (artifacts, self->spawn, error);
  ColletLoader *loader = self->loader;
  if (loader == NULL)
    return FALSE;
  if (!set_trust (loader, options, error))
    return FALSE;

  collet_host_config_init (&host_config);
  host_config.limits.address_space = (guint64)options->worker_memory_mib * 1024 * 1024;
  host_config.network = (const char *const *)options->config->trust_network;
  g_autoptr (ColletHost) host = collet_host_new (self->spawn, &host_config);
  collet_reloader_config_init (&reloader_config);
  reloader_config.module_path = options->module_path;
  reloader_config.keep_versions = options->config->keep_versions;
  reloader_config.keep_version_days = options->config->keep_version_days;
  reloader_config.keep_history_days = options->config->keep_history_days;
  reloader_config.grace_ms = options->config->grace_s * 1000;
  reloader_config.max_history = options->config->keep_history_reloads;
  if (options->config->shadow_calls > 0)
    self->recorder = collet_call_recorder_new (options->config->shadow_calls,
                                               (const char *const *)options->config->shadow_redact);
  reloader_config.recorder = self->recorder;
  self->drain_timeout_ms = reloader_config.drain_timeout_ms;
  self->directory = collet_tool_directory_new ();
  self->registry = collet_registry_new (self->directory);
  self->reloader = collet_reloader_new (self->store, loader, host, self->registry, &reloader_config);
  self->watches = collet_watches_new (self->reloader);
  g_signal_connect (self->reloader, "shutdown-requested", G_CALLBACK (on_shutdown_requested), self);
  collet_call_log_set_level (options->config->module_log_level);
  self->endpoint = collet_endpoint_new (options, self->directory, self->recorder, self->reloader, self->store,
                                        self->image->sessions, self->received, error);
  return self->endpoint != NULL;
}

ColletDaemon *
collet_daemon_new (const ColletOptions *options, GError **error)
{
  g_autoptr (ColletDaemon) self = g_object_new (COLLET_TYPE_DAEMON, NULL);

  self->options = options;
  self->received = collet_systemd_receive ();
  collet_http_socket_raise_file_limit ();
  if (!build (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* ---- run ---- */

static gboolean
join_bus (ColletDaemon *self, GError **error)
{
  const char *warnings[] = { self->warning, NULL };
  g_autoptr (GDBusConnection) connection =
      g_bus_get_sync (self->options->is_system ? G_BUS_TYPE_SYSTEM : G_BUS_TYPE_SESSION, NULL, error);
  const ColletManagerFacts facts = {
    .data_folder = self->options->data_folder,
    .worker_user = self->worker_user.name != NULL ? self->worker_user.name : g_get_user_name (),
    .mcp_addresses = collet_endpoint_get_addresses (self->endpoint),
    .module_path = (const char *const *)self->options->module_path,
    .watches = self->watches,
    .warnings = warnings,
    .cluster = collet_cluster_member_get_agent (self->cluster),
    .cluster_name = collet_cluster_member_get_cluster (self->cluster),
    .gate = collet_cluster_member_get_gate (self->cluster),
    .add_counts = collet_endpoint_add_counts,
    .user_data = self->endpoint,
  };

  if (connection == NULL)
    {
      g_prefix_error (error,
                      "There is no %s bus to serve: ", self->options->is_system ? "system" : "session");
      return FALSE;
    }
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  self->bus = collet_bus_service_new (connection, self->options->is_system, self->reloader, self->registry,
                                      self->directory, &facts, error);
  return self->bus != NULL;
}

static void begin_stop (ColletDaemon *self, guint timeout_ms);

static void
fail (ColletDaemon *self, GError *error)
{
  g_printerr ("colletd: %s: %s\n", collet_error_name_of (error), error->message);
  g_error_free (error);
  self->status = 1;
  begin_stop (self, 0);
}

/* Also one that cannot be watched does not keep the daemon from serving. */
static void
watch_folders (ColletDaemon *self)
{
  const ColletWatchOptions options = { .uid = -1 };

  for (guint i = 0; self->options->watch != NULL && self->options->watch[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!collet_watches_add (self->watches, self->options->watch[i], &options, &error))
        g_warning ("%s", error->message);
    }
}

static void
on_cluster_changed (gpointer data)
{
  ColletDaemon *self = data;

  if (self->bus != NULL)
    collet_bus_service_set_cluster (self->bus, collet_cluster_member_get_agent (self->cluster),
                                    collet_cluster_member_get_cluster (self->cluster));
}

static void
on_recovered (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletDaemon *self = data;
  GError *error = NULL;
  guint failed = 0;

  if (!collet_reloader_recover_finish (self->reloader, result, &failed, &error))
    {
      fail (self, error);
      return;
    }
  if (failed > 0 && self->warning == NULL)
    self->warning =
        g_strdup_printf ("%u module%s could not be brought back; the log says why. Roll back, load "
                         "again or unload what is missing.",
                         failed, failed == 1 ? "" : "s");
  if (self->is_stopping)
    return;
  self->cluster =
      collet_cluster_member_new (self->options, self->store, self->loader, self->reloader, &error);
  if (self->cluster == NULL || !join_bus (self, &error) || !collet_endpoint_start (self->endpoint, &error))
    {
      fail (self, error);
      return;
    }
  collet_cluster_member_set_watcher (self->cluster, on_cluster_changed, self);
  self->is_serving = TRUE;
  self->revocations = collet_revocations_new (self->reloader, self->options->keys);
  watch_folders (self);

  g_autofree char *addresses = g_strjoinv (" ", (GStrv)collet_endpoint_get_addresses (self->endpoint));
  g_print ("colletd %s is ready: MCP on %s\n", COLLET_VERSION, *addresses != '\0' ? addresses : "no address");
  collet_systemd_notify_ready (addresses);
}

int
collet_daemon_run (ColletDaemon *self)
{
  self->watchdog = collet_systemd_start_watchdog ();
  collet_reloader_recover_async (self->reloader, g_steal_pointer (&self->image), on_recovered, self);
  g_main_loop_run (self->loop);
  /* Calls that were let in while the bus went still hold its objects, and these
   * look at the cluster. */
  for (guint i = 0; i < LAST_TURNS && g_main_context_iteration (NULL, FALSE); i++)
    ;
  g_clear_pointer (&self->cluster, collet_cluster_member_free);
  collet_store_close (self->store);
  /* What still runs would be waited for otherwise; the fork server ends it. */
  if (self->is_hurried)
    _exit (EXIT_FAILURE);
  return self->status;
}

/* ---- reload ---- */

void
collet_daemon_reload (ColletDaemon *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletConfig) config = NULL;
  g_autofree char *said = NULL;

  if (self->is_stopping)
    return;
  collet_systemd_notify_reloading ();
  config = collet_options_read_config (self->options, &error);
  if (config != NULL && collet_endpoint_configure (self->endpoint, config, &error))
    {
      g_autofree char *waiting = collet_config_dup_waiting (self->options->config, config);

      collet_call_log_set_level (config->module_log_level);
      if (self->revocations != NULL)
        collet_revocations_look (self->revocations);
      said = waiting != NULL
                 ? g_strdup_printf ("The configuration was read again. At the next start count: %s.", waiting)
                 : g_strdup ("The configuration was read again.");
      g_message ("%s", said);
    }
  else
    {
      said = g_strdup ("The configuration was refused and stays as it was; see the log.");
      g_warning ("The configuration stays as it was. %s", error->message);
    }
  collet_systemd_notify_ready (said);
}

/* ---- stop ---- */

static void
on_shut_down (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletDaemon *self = data;

  collet_reloader_shutdown_finish (self->reloader, result, NULL);
  if (self->bus != NULL)
    collet_bus_service_flush (self->bus);
  g_clear_object (&self->bus);
  g_main_loop_quit (self->loop);
}

static void
on_endpoint_stopped (gpointer data)
{
  ColletDaemon *self = data;

  gint64 left_ms = (self->stop_by_us - g_get_monotonic_time ()) / 1000;

  collet_reloader_shutdown_async (self->reloader, (guint)MAX (left_ms, REST_MS), on_shut_down, self);
}

/* The listeners wait for the answers that they owe, then the modules for what
 * else they run. */
static void
begin_stop (ColletDaemon *self, guint timeout_ms)
{
  if (self->is_stopping)
    return;
  self->is_stopping = TRUE;
  collet_systemd_notify_stopping ();
  timeout_ms = timeout_ms > 0 ? timeout_ms : self->drain_timeout_ms;
  collet_watches_clear (self->watches);
  g_clear_pointer (&self->revocations, collet_revocations_free);
  self->stop_by_us = g_get_monotonic_time () + (gint64)timeout_ms * 1000;
  if (self->bus != NULL)
    collet_bus_service_set_stopping (self->bus);
  /* Clients of sockets that outlive us are served until they are sent away; others
   * learn at once to come again later. */
  if (!collet_endpoint_is_kept (self->endpoint))
    collet_reloader_begin_closing (self->reloader);
  collet_endpoint_stop (self->endpoint, timeout_ms, on_endpoint_stopped, self);
}

static void
on_shutdown_requested (ColletReloader *reloader, guint timeout_ms, gpointer data)
{
  begin_stop (data, timeout_ms);
}

/* The request is in the journal and on_shutdown_requested came; or the disk is
 * full, and it ends without a record. */
static void
on_stop_submitted (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletDaemon *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletReload) reload = collet_reloader_submit_finish (self->reloader, result, &error);

  if (reload == NULL)
    begin_stop (self, 0);
}

void
collet_daemon_stop (ColletDaemon *self, const char *reason)
{
  ColletReloadRequest *request;

  if (self->is_asked_to_stop || self->is_stopping)
    {
      self->is_hurried = TRUE;
      g_main_loop_quit (self->loop);
      return;
    }
  self->is_asked_to_stop = TRUE;
  if (!self->is_serving)
    {
      begin_stop (self, 0);
      return;
    }
  request = collet_reload_request_new (COLLET_RELOAD_SHUTDOWN, -1);
  request->reason = g_strdup (reason);
  collet_reloader_submit_async (self->reloader, request, on_stop_submitted, self);
}
