/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-http-socket.h"

#include "collet-error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

typedef union
{
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_un local;
} Address;

static gboolean
parse_address (const char *text, Address *address, socklen_t *size, GError **error)
{
  const char *colon = strrchr (text, ':');
  g_autofree char *host = colon ? g_strndup (text, (gsize)(colon - text)) : NULL;
  guint64 port;

  memset (address, 0, sizeof *address);
  if (host && g_ascii_string_to_unsigned (colon + 1, 10, 0, 65535, &port, NULL))
    {
      gsize length = strlen (host);

      if (strcmp (host, "localhost") == 0)
        strcpy (host, "127.0.0.1");
      if (length > 2 && host[0] == '[' && host[length - 1] == ']')
        {
          host[length - 1] = '\0';
          address->v6.sin6_family = AF_INET6;
          address->v6.sin6_port = htons ((guint16)port);
          *size = sizeof address->v6;
          if (inet_pton (AF_INET6, host + 1, &address->v6.sin6_addr) == 1)
            return TRUE;
        }
      address->v4.sin_family = AF_INET;
      address->v4.sin_port = htons ((guint16)port);
      *size = sizeof address->v4;
      if (inet_pton (AF_INET, host, &address->v4.sin_addr) == 1)
        return TRUE;
    }
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
               "\"%s\" is not an address to listen on. Give a numeric one with a port, such as "
               "127.0.0.1:7311 or [::1]:7311.",
               text);
  return FALSE;
}

/* Takes the fd. */
static int
fail (int fd, int saved, const char *text, GError **error)
{
  if (fd >= 0)
    close (fd);
  if (saved == EADDRINUSE)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_ADDRESS_IN_USE,
                 "Another program listens on %s already. End it (ss -ltnxp shows which), or choose another "
                 "address.",
                 text);
  else if (saved == EACCES || saved == EPERM)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
                 "Not allowed to listen on %s (%s). Choose a port above 1023 or a folder that this user may "
                 "write to.",
                 text, g_strerror (saved));
  else
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                 "Cannot listen on %s (%s). Choose another address.", text, g_strerror (saved));
  return -1;
}

int
collet_http_socket_listen_tcp (const char *text, GError **error)
{
  Address address;
  socklen_t size;
  int on = 1;
  int fd;

  if (!parse_address (text, &address, &size, error))
    return -1;
  fd = socket (address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind (fd, &address.any, size) != 0 || listen (fd, BACKLOG) != 0)
    return fail (fd, errno, text, error);
  return fd;
}

/* Whether a daemon answers there. A socket without one is left from a crash. */
static gboolean
is_alive (const Address *address, socklen_t size)
{
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  gboolean alive = fd >= 0 && (connect (fd, &address->any, size) == 0 || errno != ECONNREFUSED);

  if (fd >= 0)
    close (fd);
  return alive;
}

int
collet_http_socket_listen_unix (const char *path, mode_t mode, GError **error)
{
  Address address = { .local.sun_family = AF_UNIX };
  socklen_t size = sizeof address.local;
  struct stat status;
  int fd;

  if (strlen (path) >= sizeof address.local.sun_path)
    return fail (-1, ENAMETOOLONG, path, error);
  strcpy (address.local.sun_path, path);
  if (lstat (path, &status) == 0)
    {
      if (!S_ISSOCK (status.st_mode) || is_alive (&address, size))
        return fail (-1, EADDRINUSE, path, error);
      if (unlink (path) != 0)
        return fail (-1, errno, path, error);
    }
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  /* On Linux the mode of an unbound socket becomes the file's (less the umask),
   * so at no moment may more people connect than `mode` says. */
  if (fd < 0 || fchmod (fd, mode) != 0 || bind (fd, &address.any, size) != 0 || chmod (path, mode) != 0 ||
      listen (fd, BACKLOG) != 0)
    return fail (fd, errno, path, error);
  return fd;
}

static gboolean
get_address (int fd, Address *address)
{
  socklen_t size = sizeof *address;

  return getsockname (fd, &address->any, &size) == 0;
}

guint16
collet_http_socket_get_port (int fd)
{
  Address address;

  if (!get_address (fd, &address))
    return 0;
  if (address.any.sa_family == AF_INET)
    return ntohs (address.v4.sin_port);
  return address.any.sa_family == AF_INET6 ? ntohs (address.v6.sin6_port) : 0;
}

gboolean
collet_http_socket_is_unix (int fd)
{
  Address address;

  return get_address (fd, &address) && address.any.sa_family == AF_UNIX;
}

char *
collet_http_socket_describe (int fd)
{
  Address address = { .any.sa_family = AF_UNSPEC };
  char host[INET6_ADDRSTRLEN];

  get_address (fd, &address);
  if (address.any.sa_family == AF_INET && inet_ntop (AF_INET, &address.v4.sin_addr, host, sizeof host))
    return g_strdup_printf ("http://%s:%u/mcp", host, ntohs (address.v4.sin_port));
  if (address.any.sa_family == AF_INET6 && inet_ntop (AF_INET6, &address.v6.sin6_addr, host, sizeof host))
    return g_strdup_printf ("http://[%s]:%u/mcp", host, ntohs (address.v6.sin6_port));
  return g_strconcat ("unix:", address.any.sa_family == AF_UNIX ? address.local.sun_path : "", NULL);
}

gboolean
collet_http_socket_is_at (int fd, const char *text)
{
  Address wanted, found = { .any.sa_family = AF_UNSPEC };
  socklen_t size;

  if (!get_address (fd, &found))
    return FALSE;
  if (found.any.sa_family == AF_UNIX)
    return strcmp (found.local.sun_path, text) == 0;
  if (!parse_address (text, &wanted, &size, NULL) || wanted.any.sa_family != found.any.sa_family)
    return FALSE;
  if (found.any.sa_family == AF_INET)
    return found.v4.sin_addr.s_addr == wanted.v4.sin_addr.s_addr && found.v4.sin_port == wanted.v4.sin_port;
  return found.v6.sin6_port == wanted.v6.sin6_port &&
         memcmp (&found.v6.sin6_addr, &wanted.v6.sin6_addr, sizeof found.v6.sin6_addr) == 0;
}

void
collet_http_socket_nudge (int fd)
{
  Address address;
  socklen_t size = sizeof address;
  int probe;

  if (getsockname (fd, &address.any, &size) != 0)
    return;
  probe = socket (address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0)
    return;
  if (connect (probe, &address.any, size) != 0)
    g_debug ("http: no nudge: %s", g_strerror (errno));
  close (probe);
}

guint64
collet_http_socket_raise_file_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return 1024;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit (RLIMIT_NOFILE, &limit) != 0)
    getrlimit (RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}
