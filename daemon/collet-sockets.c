/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-sockets.h"

#include "collet-error.h"
#include "collet-http-socket.h"
#include "collet-systemd.h"

#include <errno.h>
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
add (GArray *sockets, int fd, gboolean is_kept, gboolean is_ours)
{
  ColletListenSocket socket = { fd, collet_http_socket_describe (fd), is_kept, is_ours };

  g_array_append_val (sockets, socket);
}

/* Sockets that a unit has, not one of a former run. */
static gboolean
has_unit (const GArray *received)
{
  for (guint i = 0; i < received->len; i++)
    {
      const ColletSystemdSocket *socket = &g_array_index (received, ColletSystemdSocket, i);

      if (socket->fd >= 0 && !socket->is_stored)
        return TRUE;
    }
  return FALSE;
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
      add (sockets, socket->fd, TRUE, socket->is_stored);
      socket->fd = -1;
      found = TRUE;
    }
  return found;
}

static gboolean
open_tcp (GArray *sockets, const ColletOptions *options, GError **error)
{
  g_autoptr (GError) local = NULL;
  int fd = collet_http_socket_listen_tcp (options->listen, &local);

  if (fd >= 0)
    {
      add (sockets, fd, collet_systemd_store (fd), TRUE);
      return TRUE;
    }
  /* The port is one for all users of a machine. */
  if (options->is_default_listen && !options->is_system &&
      g_error_matches (local, COLLET_ERROR, COLLET_ERROR_ADDRESS_IN_USE))
    {
      g_warning ("There is no MCP over TCP: %s", local->message);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
open_unix (GArray *sockets, const ColletOptions *options, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (options->socket);
  g_autoptr (GError) local = NULL;
  int fd;

  if (options->is_default_socket)
    g_mkdir_with_parents (folder, 0700);
  fd = collet_http_socket_listen_unix (options->socket, OWNER_ONLY, &local);
  if (fd >= 0)
    add (sockets, fd, collet_systemd_store (fd), TRUE);
  else if (options->is_default_socket)
    g_message ("There is no unix socket for MCP: %s", local->message);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return fd >= 0 || options->is_default_socket;
}

void
collet_sockets_admit (GArray *sockets, const ColletOptions *options, const ColletConfig *config)
{
  const gboolean others = config->socket_users != NULL && config->socket_users[0] != NULL;

  for (guint i = 0; i < sockets->len; i++)
    {
      const ColletListenSocket *socket = &g_array_index (sockets, ColletListenSocket, i);
      g_autofree char *folder = NULL;

      if (!socket->is_ours || !g_str_has_prefix (socket->address, "unix:"))
        continue;
      folder = g_path_get_dirname (options->socket);
      if (chmod (options->socket, others ? EVERYBODY : OWNER_ONLY) < 0 ||
          (options->is_default_socket && chmod (folder, others ? 0755 : 0700) < 0))
        g_warning ("%s: its mode cannot be set (%s), so socket-users may not count.", options->socket,
                   g_strerror (errno));
    }
}

/* A setting that does nothing is worse than none. */
static void
warn_if_overruled (GArray *sockets, const char *configured, const char *key)
{
  for (guint i = 0; i < sockets->len; i++)
    if (configured == NULL ||
        collet_http_socket_is_at (g_array_index (sockets, ColletListenSocket, i).fd, configured))
      return;
  if (configured != NULL && strcmp (configured, "none") != 0)
    g_warning (
        "[mcp] %s = %s counts for nothing, as the service manager's sockets are served. Change them with "
        "\"systemctl edit colletd.socket\", or mask that unit.",
        key, configured);
}

GArray *
collet_sockets_open (const ColletOptions *options, GArray *received, GError **error)
{
  g_autoptr (GArray) sockets = g_array_new (FALSE, FALSE, sizeof (ColletListenSocket));
  gboolean has_tcp, has_unix;
  /* Where a unit says what to listen on, what somebody asked for is added, but no default. */
  const gboolean is_told = has_unit (received);
  const gboolean wants_tcp = options->listen != NULL && !(is_told && options->is_default_listen);
  const gboolean wants_unix = options->socket != NULL && !(is_told && options->is_default_socket);

  g_array_set_clear_func (sockets, clear_socket);
  has_tcp = take_received (sockets, received, FALSE, wants_tcp ? options->listen : NULL);
  has_unix = take_received (sockets, received, TRUE, wants_unix ? options->socket : NULL);
  if (has_tcp)
    warn_if_overruled (sockets, options->config->listen, "listen");
  if (has_unix)
    warn_if_overruled (sockets, options->config->socket, "socket");
  /* What is left was stored by a run with other addresses. */
  for (guint i = 0; i < received->len; i++)
    if (g_array_index (received, ColletSystemdSocket, i).fd >= 0)
      {
        collet_systemd_drop_stored ();
        close_received (received);
        for (guint j = 0; j < sockets->len; j++)
          collet_systemd_store (g_array_index (sockets, ColletListenSocket, j).fd);
      }
  if (!has_tcp && wants_tcp && !open_tcp (sockets, options, error))
    return NULL;
  if (!has_unix && wants_unix && !open_unix (sockets, options, error))
    return NULL;
  collet_sockets_admit (sockets, options, options->config);
  return g_steal_pointer (&sockets);
}
