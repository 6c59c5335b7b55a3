/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is refused from a request's head, and listening sockets.
 */
#include "collet-http-head.h"
#include "collet-http-socket.h"

#include "collet-error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  const char *name;
  const char *method, *target, *version;
  const char *headers; /* "Name: value" lines */
  guint status;
} Row;

#define HOST "Host: localhost\n"

static const Row rows[] = {
  { "plain", "POST", "/mcp", "HTTP/1.1", HOST "Content-Length: 5", 0 },
  { "chunked", "POST", "/mcp", "HTTP/1.1", HOST "Transfer-Encoding: Chunked", 0 },
  { "port", "GET", "/mcp", "HTTP/1.1", "Host: 127.0.0.1:7311", 0 },
  { "ipv6", "GET", "/mcp", "HTTP/1.1", "Host: [::1]:7311", 0 },
  { "ipv6-bare", "GET", "/mcp", "HTTP/1.1", "Host: [::1]", 0 },
  { "host-case", "GET", "/mcp", "HTTP/1.1", "HOST: LocalHost:1", 0 },
  { "host-configured", "GET", "/mcp", "HTTP/1.1", "Host: tools.example:80", 0 },
  { "host-foreign", "GET", "/mcp", "HTTP/1.1", "Host: evil.example", 403 },
  { "host-prefix", "GET", "/mcp", "HTTP/1.1", "Host: localhost.evil.example", 403 },
  { "host-user", "GET", "/mcp", "HTTP/1.1", "Host: localhost@evil.example", 403 },
  { "host-port-text", "GET", "/mcp", "HTTP/1.1", "Host: localhost:80x", 403 },
  { "host-ipv6-tail", "GET", "/mcp", "HTTP/1.1", "Host: [::1]evil", 403 },
  { "host-ipv6-open", "GET", "/mcp", "HTTP/1.1", "Host: [::1", 403 },
  { "host-empty", "GET", "/mcp", "HTTP/1.1", "Host: ", 403 },
  { "host-missing", "GET", "/mcp", "HTTP/1.0", "X: y", 403 },
  { "host-twice", "GET", "/mcp", "HTTP/1.1", HOST HOST, 400 },
  { "origin-local", "GET", "/mcp", "HTTP/1.1", HOST "Origin: http://localhost:3000", 0 },
  { "origin-local-https", "GET", "/mcp", "HTTP/1.1", HOST "Origin: https://127.0.0.1", 0 },
  { "origin-configured", "GET", "/mcp", "HTTP/1.1", HOST "Origin: app://desk", 0 },
  { "origin-configured-host", "GET", "/mcp", "HTTP/1.1", HOST "Origin: https://tools.example", 0 },
  { "origin-null", "GET", "/mcp", "HTTP/1.1", HOST "Origin: null", 403 },
  { "origin-foreign", "GET", "/mcp", "HTTP/1.1", HOST "Origin: http://evil.example", 403 },
  { "origin-in-path", "GET", "/mcp", "HTTP/1.1", HOST "Origin: http://evil.example/http://localhost", 403 },
  { "origin-scheme", "GET", "/mcp", "HTTP/1.1", HOST "Origin: file://localhost", 403 },
  { "origin-twice", "GET", "/mcp", "HTTP/1.1", HOST "Origin: http://localhost\nOrigin: http://evil.example",
    403 },
  { "length-and-encoding", "POST", "/mcp", "HTTP/1.1", HOST "Content-Length: 5\nTransfer-Encoding: chunked",
    400 },
  { "length-twice", "POST", "/mcp", "HTTP/1.1", HOST "Content-Length: 5\nContent-Length: 5", 400 },
  { "length-negative", "POST", "/mcp", "HTTP/1.1", HOST "Content-Length: -5", 400 },
  { "length-signed", "POST", "/mcp", "HTTP/1.1", HOST "Content-Length: +5", 400 },
  { "length-list", "POST", "/mcp", "HTTP/1.1", HOST "Content-Length: 5, 5", 400 },
  { "length-hex", "POST", "/mcp", "HTTP/1.1", HOST "Content-Length: 0x5", 400 },
  { "length-empty", "POST", "/mcp", "HTTP/1.1", HOST "Content-Length: ", 400 },
  { "length-limit", "POST", "/mcp", "HTTP/1.1", HOST "Content-Length: 1000", 0 },
  { "length-above", "POST", "/mcp", "HTTP/1.1", HOST "Content-Length: 1001", 413 },
  { "length-overflow", "POST", "/mcp", "HTTP/1.1", HOST "Content-Length: 99999999999999999999999", 413 },
  { "encoding-gzip", "POST", "/mcp", "HTTP/1.1", HOST "Transfer-Encoding: gzip", 501 },
  { "encoding-two", "POST", "/mcp", "HTTP/1.1", HOST "Transfer-Encoding: gzip, chunked", 501 },
  { "encoding-twice", "POST", "/mcp", "HTTP/1.1",
    HOST "Transfer-Encoding: chunked\nTransfer-Encoding: identity", 400 },
  { "encoding-odd", "POST", "/mcp", "HTTP/1.1", HOST "Transfer-Encoding: xchunked", 501 },
  { "encoding-1.0", "POST", "/mcp", "HTTP/1.0", HOST "Transfer-Encoding: chunked", 501 },
  { "name-space", "POST", "/mcp", "HTTP/1.1", HOST "Content-Length : 5", 400 },
  { "name-tab", "POST", "/mcp", "HTTP/1.1", HOST "X\tY: 5", 400 },
  { "absolute-same", "GET", "http://localhost/mcp", "HTTP/1.1", HOST, 0 },
  { "absolute-other", "GET", "http://evil.example/mcp", "HTTP/1.1", HOST, 400 },
  { "absolute-longer", "GET", "http://localhost.evil/mcp", "HTTP/1.1", HOST, 400 },
  { "absolute-https", "GET", "https://localhost/mcp", "HTTP/1.1", HOST, 400 },
  { "asterisk", "OPTIONS", "*", "HTTP/1.1", HOST, 400 },
  { "connect", "CONNECT", "localhost:80", "HTTP/1.1", HOST, 405 },
  { "trace", "TRACE", "/mcp", "HTTP/1.1", HOST, 405 },
};

static guint
check (const Row *row, gboolean is_local)
{
  static const char *const hosts[] = { "tools.example", NULL };
  static const char *const origins[] = { "app://desk", NULL };
  ColletHttpPolicy policy = {
    .is_local = is_local, .allowed_hosts = hosts, .allowed_origins = origins, .max_body = 1000
  };
  ColletHttpHead head = { .method = row->method, .target = row->target, .version = row->version };
  g_auto (GStrv) lines = g_strsplit (row->headers, "\n", -1);
  const char *reason = NULL;
  guint status;

  for (guint i = 0; lines[i] && lines[i][0]; i++)
    {
      char *colon = strstr (lines[i], ": ");

      *colon = '\0';
      collet_http_head_add (&head, lines[i], colon + 2);
    }
  status = collet_http_head_check (&head, &policy, &reason);
  g_assert_true ((status == 0) == (reason == NULL));
  return status;
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;

  g_assert_cmpuint (check (row, FALSE), ==, row->status);
  /* On a unix socket nobody is tricked by names; framing still counts. */
  g_assert_cmpuint (check (row, TRUE), ==, row->status == 403 ? 0 : row->status);
}

static void
test_path (void)
{
  static const char *const targets[][2] = { { "/mcp", "/mcp" },
                                            { "http://localhost/mcp", "/mcp" },
                                            { "HTTP://localhost:80/a/b", "/a/b" },
                                            { "http://localhost", "/" } };

  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      ColletHttpHead head = { .target = targets[i][0] };
      g_assert_cmpstr (collet_http_head_get_path (&head), ==, targets[i][1]);
    }
}

static void
test_taken_port (void)
{
  g_autoptr (GError) error = NULL;
  int first = collet_http_socket_listen_tcp ("127.0.0.1:0", &error);
  g_autofree char *address = NULL;

  g_assert_no_error (error);
  g_assert_cmpint (first, >=, 0);
  address = g_strdup_printf ("localhost:%u", collet_http_socket_get_port (first));
  g_assert_cmpint (collet_http_socket_listen_tcp (address, &error), ==, -1);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_ADDRESS_IN_USE);
  g_assert_nonnull (strstr (error->message, address));
  close (first);
}

static void
test_bad_addresses (void)
{
  static const char *const addresses[] = {
    "",       "7311",    "127.0.0.1", "127.0.0.1:",   "127.0.0.1:70000", "127.0.0.1:-1", "example.com:80",
    "::1:80", "[::1:80", "1.2.3:80",  "127.0.0.1:80 "
  };

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (collet_http_socket_listen_tcp (addresses[i], &error), ==, -1);
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_unix (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("collet-http-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "socket", NULL);
  g_autofree char *file = g_build_filename (folder, "file", NULL);
  g_autofree char *missing = g_build_filename (folder, "no", "socket", NULL);
  g_autofree char *too_long = g_strnfill (200, 'x');
  struct stat status;
  int fd = collet_http_socket_listen_unix (path, 0660, &error);

  g_assert_no_error (error);
  g_assert_true (collet_http_socket_is_unix (fd));
  g_assert_cmpint (stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0660);
  /* One that answers is not taken away. */
  g_assert_cmpint (collet_http_socket_listen_unix (path, 0600, &error), ==, -1);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_ADDRESS_IN_USE);
  g_clear_error (&error);
  close (fd);
  /* One that a crash left behind is replaced. */
  fd = collet_http_socket_listen_unix (path, 0600, &error);
  g_assert_no_error (error);
  g_assert_cmpint (stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);
  close (fd);

  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_assert_cmpint (collet_http_socket_listen_unix (file, 0600, &error), ==, -1);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_ADDRESS_IN_USE);
  g_clear_error (&error);
  g_assert_true (g_file_test (file, G_FILE_TEST_IS_REGULAR));
  g_assert_cmpint (collet_http_socket_listen_unix (missing, 0600, &error), ==, -1);
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_cmpint (collet_http_socket_listen_unix (too_long, 0600, &error), ==, -1);
  g_assert_nonnull (error);
  g_unlink (path);
  g_unlink (file);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/http/head/", rows[i].name, NULL);
      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/http/head/path-of-either-form", test_path);
  g_test_add_func ("/http/socket/taken-port-has-a-name", test_taken_port);
  g_test_add_func ("/http/socket/odd-addresses-are-refused", test_bad_addresses);
  g_test_add_func ("/http/socket/unix-mode-and-leftovers", test_unix);
  return g_test_run ();
}
