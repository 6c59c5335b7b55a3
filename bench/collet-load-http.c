/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-load-http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_S 2
#define MAX_RESPONSE (16u << 20)

gboolean
load_url_parse (const char *text, LoadUrl *url, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, error);
  struct in_addr address;

  if (uri == NULL)
    return FALSE;
  if (g_strcmp0 (g_uri_get_scheme (uri), "http") != 0 || g_uri_get_port (uri) <= 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "\"%s\" is not http://HOST:PORT/PATH",
                   text);
      return FALSE;
    }
  url->host = g_strdup (g_str_equal (g_uri_get_host (uri), "localhost") ? "127.0.0.1" : g_uri_get_host (uri));
  url->port = (guint)g_uri_get_port (uri);
  url->path = g_strdup (*g_uri_get_path (uri) != '\0' ? g_uri_get_path (uri) : "/");
  if (inet_pton (AF_INET, url->host, &address) == 1)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "\"%s\" is not an IPv4 address", url->host);
  load_url_clear (url);
  return FALSE;
}

void
load_url_clear (LoadUrl *url)
{
  g_clear_pointer (&url->host, g_free);
  g_clear_pointer (&url->path, g_free);
}

LoadConnection *
load_connection_new (void)
{
  LoadConnection *connection = g_new0 (LoadConnection, 1);

  connection->fd = -1;
  connection->in = g_string_sized_new (4096);
  connection->out = g_string_sized_new (1024);
  connection->plain = g_string_new (NULL);
  return connection;
}

void
load_connection_free (LoadConnection *connection)
{
  load_connection_close (connection);
  g_string_free (connection->in, TRUE);
  g_string_free (connection->out, TRUE);
  g_string_free (connection->plain, TRUE);
  g_free (connection);
}

gboolean
load_connection_open (LoadConnection *connection, const LoadUrl *url, GError **error)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((guint16)url->port) };
  struct timeval limit = { .tv_sec = CONNECT_TIMEOUT_S };
  int on = 1;
  int fd;

  load_connection_close (connection);
  inet_pton (AF_INET, url->host, &address.sin_addr);
  fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0)
    {
      /* On Linux the send time-out bounds a blocking connect as well. */
      setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
      setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
  if (fd < 0 || connect (fd, (struct sockaddr *)&address, sizeof address) != 0 ||
      fcntl (fd, F_SETFL, O_NONBLOCK) != 0)
    {
      int saved = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "cannot connect to %s:%u: %s", url->host,
                   url->port, g_strerror (saved));
      if (fd >= 0)
        close (fd);
      return FALSE;
    }
  connection->fd = fd;
  return TRUE;
}

void
load_connection_close (LoadConnection *connection)
{
  if (connection->fd >= 0)
    close (connection->fd);
  connection->fd = -1;
  connection->is_busy = connection->will_close = FALSE;
  connection->used = 0;
  g_string_truncate (connection->in, 0);
}

gboolean
load_connection_flush (LoadConnection *connection)
{
  while (connection->sent < connection->out->len)
    {
      ssize_t n = send (connection->fd, connection->out->str + connection->sent,
                        connection->out->len - connection->sent, MSG_NOSIGNAL);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno == EAGAIN;
      connection->sent += (gsize)n;
    }
  return TRUE;
}

gboolean
load_connection_send (LoadConnection *connection)
{
  g_assert (!connection->is_busy && connection->fd >= 0);
  g_string_erase (connection->in, 0, (gssize)connection->used);
  connection->used = 0;
  connection->sent = 0;
  connection->is_busy = TRUE;
  return load_connection_flush (connection);
}

/* What matters of the headers. */
typedef struct
{
  gint64 length; /* -1: not given */
  gboolean is_chunked;
  gboolean is_event_stream;
  gboolean will_close;
} Framing;

static BenchSlice
header_value (const char *line, const char *end, const char *name)
{
  gsize size = strlen (name);

  if ((gsize)(end - line) <= size || line[size] != ':' || g_ascii_strncasecmp (line, name, size) != 0)
    return (BenchSlice){ NULL, 0 };
  line += size + 1;
  while (line < end && (*line == ' ' || *line == '\t'))
    line++;
  return (BenchSlice){ line, (gsize)(end - line) };
}

static gboolean
value_begins (BenchSlice value, const char *prefix)
{
  return value.size >= strlen (prefix) && g_ascii_strncasecmp (value.at, prefix, strlen (prefix)) == 0;
}

static void
read_header (const char *line, const char *end, Framing *framing, LoadResponse *response)
{
  BenchSlice value;

  /* By first letter: most headers are none of these. */
  switch (g_ascii_tolower (*line))
    {
    case 'c':
      if ((value = header_value (line, end, "content-length")).at != NULL)
        framing->length = g_ascii_strtoll (value.at, NULL, 10);
      else if ((value = header_value (line, end, "content-type")).at != NULL)
        framing->is_event_stream = value_begins (value, "text/event-stream");
      else if ((value = header_value (line, end, "connection")).at != NULL)
        framing->will_close = value_begins (value, "close");
      break;
    case 't':
      if ((value = header_value (line, end, "transfer-encoding")).at != NULL)
        framing->is_chunked = value_begins (value, "chunked");
      break;
    case 'm':
      if ((value = header_value (line, end, "mcp-session-id")).at != NULL)
        response->session = value;
      break;
    default:
      break;
    }
}

/* Start of the body; NULL: not HTTP. */
static const char *
read_head (const char *text, const char *end, Framing *framing, LoadResponse *response)
{
  const char *line = memchr (text, '\n', (gsize)(end - text));

  if (end - text < 12 || memcmp (text, "HTTP/1.1 ", 9) != 0 || line == NULL)
    return NULL;
  response->status = (guint)g_ascii_strtoull (text + 9, NULL, 10);
  for (line++; line < end; line++)
    {
      const char *newline = memchr (line, '\n', (gsize)(end - line));

      if (newline == NULL || newline == line || newline[-1] != '\r')
        return NULL;
      if (newline - 1 == line)
        return newline + 1;
      read_header (line, newline - 1, framing, response);
      line = newline;
    }
  return NULL;
}

/* 1: complete, *used and connection->plain are set; 0: more must come; -1: bad. */
static int
read_chunks (LoadConnection *connection, const char *body, const char *end, const char **used)
{
  g_string_truncate (connection->plain, 0);
  while (TRUE)
    {
      const char *newline = memchr (body, '\n', (gsize)(end - body));
      char *after;
      guint64 size;

      if (newline == NULL)
        return end - body > 32 ? -1 : 0;
      size = g_ascii_strtoull (body, &after, 16);
      if (after == body || size > MAX_RESPONSE)
        return -1;
      body = newline + 1;
      if ((guint64)(end - body) < size + 2)
        return 0;
      if (body[size] != '\r' || body[size + 1] != '\n')
        return -1;
      g_string_append_len (connection->plain, body, (gssize)size);
      body += size + 2;
      *used = body;
      if (size == 0)
        return 1;
    }
}

/* The data of the last event that has any: the reply comes last. */
static BenchSlice
last_event_data (const GString *events)
{
  const char *p = events->str;
  BenchSlice data = { NULL, 0 };

  while (p != NULL && *p != '\0')
    {
      const char *newline = strchr (p, '\n');

      if (newline != NULL && g_str_has_prefix (p, "data: "))
        data = (BenchSlice){ p + 6, (gsize)(newline - p - 6) };
      p = newline != NULL ? newline + 1 : NULL;
    }
  if (data.size > 0 && data.at[data.size - 1] == '\r')
    data.size--;
  return data;
}

static LoadIo
read_body (LoadConnection *connection, const Framing *framing, const char *body, LoadResponse *response)
{
  const char *end = connection->in->str + connection->in->len;
  const char *used = end;
  int state = 1;

  if (framing->is_chunked)
    {
      state = read_chunks (connection, body, end, &used);
      if (framing->is_event_stream && state == 0)
        response->is_stream = TRUE;
      response->body = framing->is_event_stream
                           ? last_event_data (connection->plain)
                           : (BenchSlice){ connection->plain->str, connection->plain->len };
    }
  else if (framing->length > MAX_RESPONSE || (framing->length < 0 && response->status != 204))
    state = -1;
  else
    {
      gint64 length = MAX (framing->length, 0);

      used = body + length;
      state = end - body >= length;
      response->body = (BenchSlice){ body, (gsize)length };
    }
  if (state < 0)
    return LOAD_IO_MALFORMED;
  if (state == 0)
    return LOAD_IO_WAITING;
  connection->used = (gsize)(used - connection->in->str);
  connection->will_close = framing->will_close;
  connection->is_busy = FALSE;
  return used == end ? LOAD_IO_RESPONSE : LOAD_IO_UNASKED;
}

static LoadIo
read_response (LoadConnection *connection, LoadResponse *response)
{
  Framing framing = { .length = -1 };
  GString *in = connection->in;
  const char *body;

  *response = (LoadResponse){ 0 };
  if (in->len < 4 || memmem (in->str, in->len, "\r\n\r\n", 4) == NULL)
    return in->len > 65536 ? LOAD_IO_MALFORMED : LOAD_IO_WAITING;
  body = read_head (in->str, in->str + in->len, &framing, response);
  return body != NULL ? read_body (connection, &framing, body, response) : LOAD_IO_MALFORMED;
}

LoadIo
load_connection_receive (LoadConnection *connection, LoadResponse *response)
{
  GString *in = connection->in;

  *response = (LoadResponse){ 0 };
  while (in->len <= MAX_RESPONSE)
    {
      gsize room = in->len < 65536 ? 4096 : 262144;
      gsize before = in->len;
      ssize_t n;

      g_string_set_size (in, before + room);
      n = recv (connection->fd, in->str + before, room, 0);
      g_string_set_size (in, before + (n > 0 ? (gsize)n : 0));
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno != EAGAIN)
        return LOAD_IO_RESET;
      if (n == 0)
        return LOAD_IO_CLOSED;
      if (n > 0 && !connection->is_busy)
        return LOAD_IO_UNASKED;
      if (n < (ssize_t)room)
        return connection->is_busy ? read_response (connection, response) : LOAD_IO_WAITING;
    }
  return LOAD_IO_MALFORMED;
}

gboolean
load_connection_wait (LoadConnection *connection, int timeout_ms, LoadResponse *response, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + timeout_ms * G_GINT64_CONSTANT (1000);
  LoadIo io = LOAD_IO_WAITING;

  *response = (LoadResponse){ 0 };
  while (io == LOAD_IO_WAITING)
    {
      gint64 left_ms = (deadline - g_get_monotonic_time ()) / 1000;
      struct pollfd fd = { .fd = connection->fd, .events = POLLIN };

      if (connection->sent < connection->out->len)
        fd.events |= POLLOUT;
      if (left_ms <= 0 || poll (&fd, 1, (int)left_ms) == 0)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "no reply within %d ms", timeout_ms);
          return FALSE;
        }
      if ((fd.revents & POLLOUT) != 0 && !load_connection_flush (connection))
        io = LOAD_IO_RESET;
      else if ((fd.revents & ~POLLOUT) != 0)
        io = load_connection_receive (connection, response);
      if (response->is_stream)
        return TRUE;
    }
  if (io != LOAD_IO_RESPONSE)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "the connection is %s", load_io_name (io));
  return io == LOAD_IO_RESPONSE;
}

const char *
load_io_name (LoadIo io)
{
  static const char *const names[] = {
    [LOAD_IO_WAITING] = "waiting", [LOAD_IO_RESPONSE] = "answered",   [LOAD_IO_CLOSED] = "closed",
    [LOAD_IO_RESET] = "reset",     [LOAD_IO_MALFORMED] = "malformed", [LOAD_IO_UNASKED] = "unasked",
  };

  return names[io];
}
