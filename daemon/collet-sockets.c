/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-sockets.h"

#include "collet-http-socket.h"
#include "collet-systemd.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWNER_ONLY 0600
#define EVERYBODY 0666 /* the listener looks at who it is */

static void
clear_socket (gpointer data)
{
  ColletListenSocket *socket = data;

  if (socket->fd >= 0)
    close (socket->fd);
  g_free (socket->address);
}

static void
close_received (GArray *received)
{
  for (guint i = 0; i < received->len; i++)
    {
      ColletSystemdSocket *socket = &g_array_index (received, ColletSystemdSocket, i);

      if (socket->fd >= 0)
        close (socket->fd);
      socket->fd = -1;
    }
}

static void
add (GArray *sockets, int fd, gboolean is_kept)
{
  ColletListenSocket socket = { fd, collet_http_socket_describe (fd), is_kept };

  g_array_append_val (sockets, socket);
}

/* Sockets of a unit are served whatever the options say; one of a former run if it
 * is where it would be made now. FALSE: there was none. */
static gboolean
take_received (GArray *sockets, GArray *received, gboolean is_unix, const char *wanted)
{
  gboolean found = FALSE;

  for (guint i = 0; i < received->len; i++)
    {
      ColletSystemdSocket *socket = &g_array_index (received, ColletSystemdSocket, i);

      if (socket->fd < 0 || collet_http_socket_is_unix (socket->fd) != is_unix)
        continue;
      if (socket->is_stored && (wanted == NULL || !collet_http_socket_is_at (socket->fd, wanted)))
        continue;
      add (sockets, socket->fd, TRUE);
      socket->fd = -1;
      found = TRUE;
    }
  return found;
}

static gboolean
open_tcp (GArray *sockets, const ColletOptions *options, GError **error)
{
  int fd = collet_http_socket_listen_tcp (options->listen, error);

  if (fd < 0)
    return FALSE;
  add (sockets, fd, collet_systemd_store (fd));
  return TRUE;
}

static gboolean
open_unix (GArray *sockets, const ColletOptions *options, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (options->socket);
  mode_t mode = options->config->socket_users != NULL ? EVERYBODY : OWNER_ONLY;
  g_autoptr (GError) local = NULL;
  int fd;

  if (options->is_default_socket)
    g_mkdir_with_parents (folder, mode == OWNER_ONLY ? 0700 : 0755);
  fd = collet_http_socket_listen_unix (options->socket, mode, &local);
  if (fd >= 0)
    add (sockets, fd, collet_systemd_store (fd));
  else if (options->is_default_socket)
    g_message ("There is no unix socket for MCP: %s", local->message);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return fd >= 0 || options->is_default_socket;
}

GArray *
collet_sockets_open (const ColletOptions *options, GArray *received, GError **error)
{
  g_autoptr (GArray) sockets = g_array_new (FALSE, FALSE, sizeof (ColletListenSocket));
  gboolean has_tcp, has_unix;

  g_array_set_clear_func (sockets, clear_socket);
  has_tcp = take_received (sockets, received, FALSE, options->listen);
  has_unix = take_received (sockets, received, TRUE, options->socket);
  /* What is left was stored by a run with other addresses. */
  for (guint i = 0; i < received->len; i++)
    if (g_array_index (received, ColletSystemdSocket, i).fd >= 0)
      {
        collet_systemd_drop_stored ();
        close_received (received);
        for (guint j = 0; j < sockets->len; j++)
          collet_systemd_store (g_array_index (sockets, ColletListenSocket, j).fd);
      }
  if (!has_tcp && options->listen != NULL && !open_tcp (sockets, options, error))
    return NULL;
  if (!has_unix && options->socket != NULL && !open_unix (sockets, options, error))
    return NULL;
  return g_steal_pointer (&sockets);
}
