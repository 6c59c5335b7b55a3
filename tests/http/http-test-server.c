/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * http-test-server.c: the listener and the protocol over tools that are none, so
 * that clients of any kind can be set on it. Prints "port N" when it listens;
 * reads commands from standard input: "change" publishes another list, "stop"
 * (or the end of input) stops as the daemon does.
 */
#include "collet-http-listener.h"
#include "collet-http-socket.h"
#include "collet-mcp-server.h"
#include "fake-tools.h"

#include <stdio.h>
#include <string.h>

static char *opt_listen = (char *)"127.0.0.1:0";
static char *opt_unix;
static char *opt_token;
static int opt_threads, opt_timeout_ms, opt_keep_alive_ms, opt_max_streams, opt_grace_ms = 5000,
                                                                            opt_max_connections;
static int opt_max_calls, opt_page_size;

static const GOptionEntry entries[] = {
  { "listen", 0, 0, G_OPTION_ARG_STRING, &opt_listen, "Address and port", "ADDRESS" },
  { "unix", 0, 0, G_OPTION_ARG_STRING, &opt_unix, "A unix socket instead", "PATH" },
  { "token", 0, 0, G_OPTION_ARG_STRING, &opt_token, "Bearer token", "TOKEN" },
  { "threads", 0, 0, G_OPTION_ARG_INT, &opt_threads, "HTTP threads", "N" },
  { "timeout", 0, 0, G_OPTION_ARG_INT, &opt_timeout_ms, "For a request", "MS" },
  { "keep-alive", 0, 0, G_OPTION_ARG_INT, &opt_keep_alive_ms, "Between comments on streams", "MS" },
  { "max-streams", 0, 0, G_OPTION_ARG_INT, &opt_max_streams, "Open streams", "N" },
  { "max-connections", 0, 0, G_OPTION_ARG_INT, &opt_max_connections, "Open connections", "N" },
  { "max-calls", 0, 0, G_OPTION_ARG_INT, &opt_max_calls, "Calls in flight", "N" },
  { "page-size", 0, 0, G_OPTION_ARG_INT, &opt_page_size, "Tools a page", "N" },
  { "grace", 0, 0, G_OPTION_ARG_INT, &opt_grace_ms, "At the end, for calls", "MS" },
  { NULL },
};

static void
serve (ColletMcpServer *server, ColletHttpListener *listener, FakeTools *tools)
{
  char line[64];
  guint n_extra = 0;

  printf ("port %u\n", collet_http_listener_get_port (listener));
  fflush (stdout);
  while (fgets (line, sizeof line, stdin) && strcmp (line, "stop\n") != 0)
    {
      ColletHttpCounts counts;

      if (strcmp (line, "change\n") == 0)
        {
          fake_tools_publish (tools, ++n_extra, "1.0.0");
          collet_mcp_server_tools_changed (server);
        }
      collet_http_listener_get_counts (listener, &counts);
      printf ("connections %u streams %u cancelled %u running %u\n", counts.connections, counts.streams,
              fake_tools_count_cancelled (tools), fake_tools_count_running (tools));
      fflush (stdout);
    }
}

static void
on_change (gpointer server)
{
  collet_mcp_server_tools_changed (server);
}

static gboolean
run (FakeTools *tools, int fd, GError **error)
{
  g_autofree char *digest =
      opt_token ? g_compute_checksum_for_string (G_CHECKSUM_SHA256, opt_token, -1) : NULL;
  const ColletMcpToken token = { .name = "test", .sha256 = digest, .may = ~0u };
  ColletMcpConfig mcp = { .directory = fake_tools_get_directory (tools),
                          .version = "1.0",
                          .instructions = "Tools for tests.",
                          .access = collet_mcp_access_new (&token, digest ? 1 : 0),
                          .limits = { .max_calls = (guint)opt_max_calls,
                                      .page_size = (guint)opt_page_size } };
  g_autoptr (ColletMcpServer) server = collet_mcp_server_new (&mcp);
  ColletHttpConfig http = { .listen_fd = fd,
                            .handler = collet_mcp_server_get_handler (),
                            .user_data = server,
                            .threads = (guint)opt_threads,
                            .max_streams = (guint)opt_max_streams,
                            .max_connections = (guint)opt_max_connections,
                            .request_timeout_ms = (guint)opt_timeout_ms,
                            .keep_alive_ms = (guint)opt_keep_alive_ms };
  ColletHttpListener *listener = collet_http_listener_new (&http, error);

  if (!listener)
    return FALSE;
  fake_tools_set_on_change (tools, on_change, server);
  serve (server, listener, tools);
  collet_http_listener_quiesce (listener);
  collet_mcp_server_end_streams (server);
  collet_http_listener_stop (listener, (guint)opt_grace_ms);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  FakeTools *tools;
  int fd = -1;
  gboolean ok;

  g_option_context_add_main_entries (context, entries, NULL);
  collet_http_socket_raise_file_limit ();
  if (g_option_context_parse (context, &argc, &argv, &error))
    fd = opt_unix ? collet_http_socket_listen_unix (opt_unix, 0600, &error)
                  : collet_http_socket_listen_tcp (opt_listen, &error);
  if (fd < 0)
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }
  tools = fake_tools_new ();
  ok = run (tools, fd, &error);
  if (!ok)
    fprintf (stderr, "%s\n", error->message);
  fake_tools_free (tools);
  return ok ? 0 : 1;
}
