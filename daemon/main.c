/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib-unix.h>
#include <signal.h>

#include "collet-daemon.h"
#include "collet-error.h"
#include "collet-language.h"

static gboolean
on_signal (gpointer data)
{
  collet_daemon_stop (data, "The daemon was told to end by a signal.");
  return G_SOURCE_CONTINUE;
}

static gboolean
on_hangup (gpointer data)
{
  collet_daemon_reload (data);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  int status;

  collet_language_init ();
  signal (SIGPIPE, SIG_IGN);
  signal (SIGIO, SIG_IGN); /* somebody writes to a file whose lease was asked for */
  /* See collet-etcd-client.c; here, as there are no threads yet. */
  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);

  g_autoptr (ColletOptions) options = collet_options_parse (argc, argv, &status);
  if (options == NULL)
    return status;

  g_autoptr (GError) error = NULL;
  g_autoptr (ColletDaemon) daemon = collet_daemon_new (options, &error);
  if (daemon == NULL)
    {
      g_printerr ("colletd: %s: %s\n", collet_error_name_of (error), error->message);
      return 1;
    }

  g_unix_signal_add (SIGHUP, on_hangup, daemon);
  g_unix_signal_add (SIGTERM, on_signal, daemon);
  g_unix_signal_add (SIGINT, on_signal, daemon);
  return collet_daemon_run (daemon);
}
