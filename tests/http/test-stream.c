/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams over a socket pair.
 */
#include "collet-http-wheel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  ColletHttpLoop *loop;
  ColletHttpWheel *wheel;
  ColletHttpStream *stream;
  ColletHttpSpoke spoke;
  int client;
  gint n_gone; /* atomic */
} Fixture;

static void
on_tick (gpointer data, gint64 now_us)
{
  collet_http_wheel_turn (((Fixture *)data)->wheel);
}

static void
on_gone (gpointer data)
{
  g_atomic_int_inc (&((Fixture *)data)->n_gone);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  const char *head = "HEAD";
  int pair[2];
  int size = 4096;

  fixture->wheel = collet_http_wheel_new (COLLET_HTTP_TICK_MS, 10);
  fixture->loop = collet_http_loop_new (on_tick, fixture, NULL);
  g_assert_nonnull (fixture->loop);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  setsockopt (pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  fixture->client = pair[1];
  fixture->stream =
      collet_http_stream_new (g_string_new (head), TRUE, (ColletHttpStreamOwner){ on_gone, fixture });
  g_assert_true (collet_http_stream_send (fixture->stream, "early", 5));
  collet_http_stream_open (fixture->stream, fixture->loop, pair[0]);
}

static void
wait_until_gone (Fixture *fixture)
{
  for (guint i = 0; i < 10000 && g_atomic_int_get (&fixture->n_gone) == 0; i++)
    g_usleep (1000);
  g_assert_cmpint (g_atomic_int_get (&fixture->n_gone), ==, 1);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (fixture->client >= 0)
    close (fixture->client);
  wait_until_gone (fixture);
  collet_http_loop_free (fixture->loop);
  if (fixture->spoke.link.data)
    collet_http_wheel_remove (fixture->wheel, &fixture->spoke);
  collet_http_wheel_free (fixture->wheel);
  collet_http_stream_free (fixture->stream);
}

/* Everything until the end of the stream. */
static char *
read_all (Fixture *fixture, gsize *size)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char buffer[65536];
  ssize_t n;

  while ((n = read (fixture->client, buffer, sizeof buffer)) > 0)
    g_string_append_len (text, buffer, n);
  *size = text->len;
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_order (Fixture *fixture, gconstpointer data)
{
  g_autofree char *text = NULL;
  gsize size;

  g_assert_true (collet_http_stream_send (fixture->stream, "abc", 3));
  g_assert_true (collet_http_stream_send (fixture->stream, "", 0)); /* not the end */
  g_assert_true (collet_http_stream_send (fixture->stream, "0123456789abcdef", 16));
  collet_http_stream_end (fixture->stream);
  g_assert_false (collet_http_stream_send (fixture->stream, "late", 4));
  text = read_all (fixture, &size);
  g_assert_cmpstr (text, ==, "HEAD5\r\nearly\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
}

static void
test_large (Fixture *fixture, gconstpointer data)
{
  gsize size = 10 * COLLET_HTTP_STREAM_QUEUE, received;
  g_autofree char *large = g_strnfill (size, 'x');
  g_autofree char *text = NULL;

  /* One message may be larger than what may wait. */
  g_assert_true (collet_http_stream_send (fixture->stream, large, size));
  collet_http_stream_end (fixture->stream);
  text = read_all (fixture, &received);
  g_assert_cmpuint (received, >, size);
  g_assert_true (g_str_has_suffix (text, "x\r\n0\r\n\r\n"));
}

static void
test_slow (Fixture *fixture, gconstpointer data)
{
  char message[1000] = { 0 };
  gsize sent = 0;

  while (collet_http_stream_send (fixture->stream, message, sizeof message))
    {
      sent += sizeof message;
      g_assert_cmpuint (sent, <, 4 * COLLET_HTTP_STREAM_QUEUE);
    }
  g_assert_cmpuint (sent, >=, COLLET_HTTP_STREAM_QUEUE);
  wait_until_gone (fixture);
}

static void
test_gone (Fixture *fixture, gconstpointer data)
{
  close (fixture->client);
  fixture->client = -1;
  wait_until_gone (fixture);
  g_assert_false (collet_http_stream_send (fixture->stream, "x", 1));
}

static void
test_comments (Fixture *fixture, gconstpointer data)
{
  const char *want = "HEAD5\r\nearly\r\n4\r\n: \n\n\r\n4\r\n: \n\n\r\n";
  char buffer[256] = { 0 };
  gsize received = 0;

  g_assert_true (collet_http_wheel_add (fixture->wheel, &fixture->spoke, fixture->stream));
  while (received < strlen (want))
    {
      ssize_t n = read (fixture->client, buffer + received, sizeof buffer - 1 - received);
      g_assert_cmpint (n, >, 0);
      received += (gsize)n;
    }
  g_assert_true (g_str_has_prefix (buffer, want));
}

/* A client that keeps its side open after the end does not hold the socket. */
static void
test_lingers (Fixture *fixture, gconstpointer data)
{
  g_assert_true (collet_http_wheel_add (fixture->wheel, &fixture->spoke, fixture->stream));
  collet_http_stream_end (fixture->stream);
  wait_until_gone (fixture);
}

static void
test_cut (Fixture *fixture, gconstpointer data)
{
  collet_http_stream_cut (fixture->stream);
  collet_http_stream_cut (fixture->stream);
  collet_http_stream_end (fixture->stream);
  wait_until_gone (fixture);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (Fixture *fixture, gconstpointer data);
  } tests[] = { { "/http/stream/keeps-order", test_order },
                { "/http/stream/takes-one-large-message", test_large },
                { "/http/stream/cuts-who-does-not-read", test_slow },
                { "/http/stream/notices-who-went", test_gone },
                { "/http/stream/is-kept-alive-when-silent", test_comments },
                { "/http/stream/does-not-wait-for-lingerers", test_lingers },
                { "/http/stream/is-cut-once", test_cut } };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].test, tear_down);
  return g_test_run ();
}
