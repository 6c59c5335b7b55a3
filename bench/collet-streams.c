/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-streams: opens N sessions and the stand-alone event stream of each, and
 * holds them until SIGTERM. Prints one line when all are open and one at the
 * end; exits 0 only if every stream stayed open. Also counts what came on them.
 */
#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "collet-load-client.h"

#define OPEN_TIMEOUT_MS 30000

typedef struct
{
  int epoll;
  GPtrArray *clients; /* LoadClient */
  guint open, lost;
  guint64 bytes, notifications;
} Streams;

static gboolean
open_stream (Streams *streams, LoadClient *client, GError **error)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
  const LoadUrl *url = client->dialect->url;
  LoadResponse response;

  if (!load_client_open (client, OPEN_TIMEOUT_MS, error))
    return FALSE;
  g_string_printf (client->io->out,
                   "GET %s HTTP/1.1\r\nHost: %s:%u\r\nAccept: text/event-stream\r\n"
                   "MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: %s\r\n\r\n",
                   url->path, url->host, url->port, client->session);
  if (!load_connection_send (client->io) ||
      !load_connection_wait (client->io, OPEN_TIMEOUT_MS, &response, error))
    {
      g_prefix_error (error, "stream %u: ", client->index);
      return FALSE;
    }
  if (response.status != 200 || !response.is_stream)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "stream %u: HTTP %u is no open event stream",
                   client->index, response.status);
      return FALSE;
    }
  epoll_ctl (streams->epoll, EPOLL_CTL_ADD, client->io->fd, &event);
  streams->open++;
  return TRUE;
}

static void
on_stream (Streams *streams, LoadClient *client)
{
  char buffer[16384];
  ssize_t n = read (client->io->fd, buffer, sizeof buffer - 1);

  if (n > 0)
    {
      streams->bytes += (guint64)n;
      buffer[n] = '\0';
      for (const char *p = buffer; (p = strstr (p, "\ndata: {")) != NULL; p++)
        streams->notifications++;
      return;
    }
  if (n < 0 && errno == EAGAIN)
    return;
  load_connection_close (client->io);
  streams->open--;
  streams->lost++;
}

static void
print_line (const Streams *streams, const char *what)
{
  printf ("{\"%s\":%u,\"lost\":%u,\"bytes\":%" G_GUINT64_FORMAT ",\"notifications\":%" G_GUINT64_FORMAT "}\n",
          what, streams->open, streams->lost, streams->bytes, streams->notifications);
  fflush (stdout);
}

static void
hold (Streams *streams, int signals)
{
  struct epoll_event events[256];
  struct epoll_event event = { .events = EPOLLIN };

  epoll_ctl (streams->epoll, EPOLL_CTL_ADD, signals, &event);
  while (TRUE)
    {
      int n = epoll_wait (streams->epoll, events, G_N_ELEMENTS (events), -1);

      for (int i = 0; i < n; i++)
        {
          if (events[i].data.ptr == NULL)
            return;
          on_stream (streams, events[i].data.ptr);
        }
    }
}

static int
run (const char *address, int count, GError **error)
{
  Streams streams = { .epoll = epoll_create1 (EPOLL_CLOEXEC) };
  LoadUrl url = { 0 };
  LoadDialect dialect = { .era = LOAD_ERA_LEGACY, .url = &url };
  sigset_t set;

  if (!load_url_parse (address, &url, error))
    return 2;
  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  sigprocmask (SIG_BLOCK, &set, NULL);
  streams.clients = g_ptr_array_new_with_free_func ((GDestroyNotify)load_client_free);
  for (int i = 0; i < count; i++)
    {
      LoadClient *client = load_client_new (&dialect, "streams", (guint)i);

      g_ptr_array_add (streams.clients, client);
      if (!open_stream (&streams, client, error))
        return 2;
    }
  print_line (&streams, "open");
  hold (&streams, signalfd (-1, &set, SFD_CLOEXEC));
  print_line (&streams, "held");
  g_ptr_array_unref (streams.clients);
  load_url_clear (&url);
  close (streams.epoll);
  return streams.lost == 0 ? 0 : 1;
}

int
main (int argc, char **argv)
{
  g_autofree char *url = NULL;
  int count = 8000;
  int status = 2;
  const GOptionEntry entries[] = {
    { "url", 0, 0, G_OPTION_ARG_STRING, &url, "Where the server is", "http://HOST:PORT/PATH" },
    { "streams", 0, 0, G_OPTION_ARG_INT, &count, "How many (8000)", "N" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- hold idle event streams open");
  g_autoptr (GError) error = NULL;
  struct rlimit files;

  getrlimit (RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit (RLIMIT_NOFILE, &files);
  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, &argc, &argv, &error) && url != NULL && count > 0)
    status = run (url, count, &error);
  if (error != NULL)
    g_printerr ("collet-streams: %s\n", error->message);
  return status;
}
