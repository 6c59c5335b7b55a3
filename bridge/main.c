/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <unistd.h>

#include "collet-language.h"
#include "collet-stdio-bridge.h"
#include "collet-stdio-daemon.h"

#define EXIT_USAGE 2
#define DEFAULT_WAIT_S 30

typedef struct
{
  gboolean is_session, is_system, has_no_start, is_version;
  char *socket;
  int wait_s;
} Options;

static gboolean
parse (int *argc, char ***argv, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "session", 0, 0, G_OPTION_ARG_NONE, &options->is_session, N_ ("The daemon of this user"), NULL },
    { "system", 0, 0, G_OPTION_ARG_NONE, &options->is_system, N_ ("The daemon of this machine"), NULL },
    { "socket", 0, 0, G_OPTION_ARG_FILENAME, &options->socket, N_ ("The daemon that serves this unix socket"),
      "PATH" },
    { "no-start", 0, 0, G_OPTION_ARG_NONE, &options->has_no_start,
      N_ ("Do not start a daemon that is not running"), NULL },
    { "wait", 0, 0, G_OPTION_ARG_INT, &options->wait_s, N_ ("How long to wait for the daemon (30)"),
      "SECONDS" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, N_ ("Show the version"), NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context,
                                _ ("Lets a client of MCP over standard input and output use the Collet "
                                   "daemon. A client's configuration names it as the command of a "
                                   "server; it takes no arguments."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc == 1 && options->wait_s >= 0 && options->wait_s <= 3600 &&
      options->is_session + options->is_system <= 1)
    return TRUE;
  g_set_error_literal (
      error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      _ ("it takes options only, one of --session and --system, and 0 to 3600 seconds to wait"));
  return FALSE;
}

/* Which daemon: the user's if it is there, else the machine's if that is there,
 * else the user's, to be started. */
static GBusType
choose_bus (const Options *options)
{
  g_autofree char *own = collet_stdio_daemon_get_socket (G_BUS_TYPE_SESSION);
  g_autofree char *of_machine = collet_stdio_daemon_get_socket (G_BUS_TYPE_SYSTEM);

  if (options->is_system)
    return G_BUS_TYPE_SYSTEM;
  if (options->is_session || g_file_test (own, G_FILE_TEST_EXISTS) || access (of_machine, R_OK | W_OK) != 0)
    return G_BUS_TYPE_SESSION;
  return G_BUS_TYPE_SYSTEM;
}

static gboolean
on_signal (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

static void
on_end (gpointer loop)
{
  g_main_loop_quit (loop);
}

int
main (int argc, char **argv)
{
  Options options = { .wait_s = DEFAULT_WAIT_S };
  g_autoptr (GError) error = NULL;

  collet_language_init ();
  signal (SIGPIPE, SIG_IGN);
  if (!parse (&argc, &argv, &options, &error))
    {
      g_printerr (_ ("%s: %s\nTry \"%s --help\".\n"), "collet-stdio", error->message, "collet-stdio");
      return EXIT_USAGE;
    }
  if (options.is_version)
    {
      g_print ("collet-stdio %s\n", COLLET_VERSION);
      return 0;
    }

  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  GBusType bus = choose_bus (&options);
  g_autofree char *socket =
      options.socket != NULL ? g_steal_pointer (&options.socket) : collet_stdio_daemon_get_socket (bus);
  const ColletStdioConfig config = {
    .socket = socket,
    .bus = options.has_no_start ? G_BUS_TYPE_NONE : bus,
    .wait_ms = (guint)options.wait_s * 1000,
    .in = STDIN_FILENO,
    .out = STDOUT_FILENO,
  };
  ColletStdioBridge *bridge = collet_stdio_bridge_new (&config, on_end, loop);

  g_unix_signal_add (SIGTERM, on_signal, loop);
  g_unix_signal_add (SIGINT, on_signal, loop);
  g_main_loop_run (loop);
  collet_stdio_bridge_free (bridge);
  return 0;
}
