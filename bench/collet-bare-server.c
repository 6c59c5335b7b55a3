/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bare-server.h"

#include <arpa/inet.h>
#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  BareHandler handler;
  gpointer user_data;
} BareServer;

static enum MHD_Result
send_reply (struct MHD_Connection *connection, BareRequest *request)
{
  struct MHD_Response *response =
      MHD_create_response_from_buffer (request->reply_size, request->reply, MHD_RESPMEM_MUST_FREE);
  enum MHD_Result result;

  request->reply = NULL;
  MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
  result = MHD_queue_response (connection, MHD_HTTP_OK, response);
  MHD_destroy_response (response);
  return result;
}

static enum MHD_Result
on_request (void *user_data, struct MHD_Connection *connection, const char *url, const char *method,
            const char *version, const char *data, size_t *size, void **state)
{
  BareServer *server = user_data;
  BareRequest *request = *state;

  if (request == NULL)
    {
      request = g_new0 (BareRequest, 1);
      request->connection = connection;
      request->body = g_string_sized_new (512);
      *state = request;
      return MHD_YES;
    }
  if (*size > 0)
    {
      g_string_append_len (request->body, data, (gssize)*size);
      *size = 0;
      return MHD_YES;
    }
  if (request->reply != NULL)
    return send_reply (connection, request);
  if (!server->handler (request, server->user_data))
    return MHD_NO;
  return request->reply != NULL ? send_reply (connection, request) : MHD_YES;
}

static void
on_completed (void *user_data, struct MHD_Connection *connection, void **state,
              enum MHD_RequestTerminationCode code)
{
  BareRequest *request = *state;

  if (request == NULL)
    return;
  g_string_free (request->body, TRUE);
  free (request->reply);
  g_free (request);
  *state = NULL;
}

int
bare_server_run (guint port, guint threads, BareHandler handler, gpointer user_data)
{
  BareServer server = { handler, user_data };
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((guint16)port) };
  struct MHD_Daemon *daemon;
  sigset_t signals;
  int signal_number;

  sigemptyset (&signals);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGINT);
  sigprocmask (SIG_BLOCK, &signals, NULL);
  daemon =
      MHD_start_daemon (MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
                        (guint16)port, NULL, NULL, on_request, &server, MHD_OPTION_NOTIFY_COMPLETED,
                        on_completed, NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_LISTEN_BACKLOG_SIZE,
                        1024u, MHD_OPTION_CONNECTION_LIMIT, 16000u,
                        threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, MHD_OPTION_END);
  if (daemon == NULL)
    {
      g_printerr ("cannot listen on port %u\n", port);
      return 1;
    }
  printf ("%u\n", MHD_get_daemon_info (daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
  fflush (stdout);
  sigwait (&signals, &signal_number);
  MHD_stop_daemon (daemon);
  return 0;
}

char *
bare_answer (const char *request, gsize size, gsize *reply_size)
{
  static const char format[] =
      "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"{"
      "\\\"result\\\":3}\"}],"
      "\"structuredContent\":{\"result\":3},\"_meta\":{\"org.collet/version\":\"1.0.0\",\"org.collet/"
      "sha256\":"
      "\"0000000000000000000000000000000000000000000000000000000000000000\",\"org.collet/generation\":1}}}";
  BenchSlice root = bench_json_root (request, size);
  BenchSlice id = bench_json_member (root, "id");
  BenchSlice params = bench_json_member (root, "params");
  BenchSlice arguments = bench_json_member (params, "arguments");
  gsize room = sizeof format + 128;
  char *reply;

  if (id.at == NULL || id.size > 100 || bench_json_member (params, "name").at == NULL || arguments.at == NULL)
    return NULL;
  reply = malloc (room);
  *reply_size = (gsize)snprintf (reply, room, format, (int)id.size, id.at);
  return reply;
}

gboolean
bare_options_parse (int *argc, char ***argv, const char *summary, int *port, int *threads)
{
  const GOptionEntry entries[] = {
    { "port", 0, 0, G_OPTION_ARG_INT, port, "Listen on 127.0.0.1:N (0: any, printed)", "N" },
    { "threads", 0, 0, G_OPTION_ARG_INT, threads, "HTTP threads (1)", "N" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, summary);
  if (g_option_context_parse (context, argc, argv, &error) && *port >= 0 && *port < 65536 && *threads >= 1)
    return TRUE;
  g_printerr ("%s\n", error != NULL ? error->message : "--port or --threads is out of range");
  return FALSE;
}
