/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-http-socket.h: listening sockets, made by us and not by the server
 * library, so that a taken address has a name and a remedy.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* "127.0.0.1:7311", "[::1]:0", "localhost:80": numbers and localhost only, names
 * are not looked up. Returns a listening fd, or -1 with AddressInUse,
 * InvalidArgument or NotAuthorized. */
int collet_http_socket_listen_tcp (const char *address, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* `mode`: 0600 or 0660. A socket that a former daemon left behind is replaced,
 * one that answers is AddressInUse. */
int collet_http_socket_listen_unix (const char *path, mode_t mode, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* 0 for a unix socket. */
guint16 collet_http_socket_get_port (int fd);
gboolean collet_http_socket_is_unix (int fd);

/* "http://127.0.0.1:7311/mcp", "unix:/run/collet/mcp.sock". */
char *collet_http_socket_describe (int fd);
/* Whether a listening socket is at this HOST:PORT or path. */
gboolean collet_http_socket_is_at (int fd, const char *address);

/* Connects to a listening socket and lets go at once: who waits for events there
 * gets one. Does not block. */
void collet_http_socket_nudge (int fd);

/* Raises the soft limit on open files to the hard one and returns it. */
guint64 collet_http_socket_raise_file_limit (void);

G_END_DECLS
