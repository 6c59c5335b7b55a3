/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "collet-failure.h"
#include "collet-utf8.h"
#include "collet-wire.h"

typedef struct
{
  int fds[2];
  int fds_before;
  char *buffer;
} Pair;

static int
count_fds (void)
{
  DIR *folder = opendir ("/proc/self/fd");
  int n = 0;

  g_assert_nonnull (folder);
  while (readdir (folder) != NULL)
    n++;
  closedir (folder);
  return n;
}

static void
pair_set_up (Pair *pair, gconstpointer data)
{
  pair->fds_before = count_fds ();
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair->fds), ==, 0);
  pair->buffer = g_malloc (COLLET_WIRE_BUFFER);
}

/* No test may leave an fd open. */
static void
pair_tear_down (Pair *pair, gconstpointer data)
{
  close (pair->fds[0]);
  close (pair->fds[1]);
  g_free (pair->buffer);
  g_assert_cmpint (count_fds (), ==, pair->fds_before);
}

static int
receive (Pair *pair, struct collet_frame *frame)
{
  return collet_wire_receive (pair->fds[1], pair->buffer, COLLET_WIRE_BUFFER, frame);
}

/* Sends bytes and fds as they are, without any of the sender's care. */
static void
send_raw (Pair *pair, const void *bytes, size_t size, const int *fds, size_t n_fds)
{
  struct iovec part = { (void *)bytes, size };
  struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
  union
  {
    char bytes[CMSG_SPACE (16 * sizeof (int))];
    struct cmsghdr align;
  } control = { { 0 } };

  if (n_fds > 0)
    {
      struct cmsghdr *cmsg;

      message.msg_control = control.bytes;
      message.msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
      cmsg = CMSG_FIRSTHDR (&message);
      cmsg->cmsg_level = SOL_SOCKET;
      cmsg->cmsg_type = SCM_RIGHTS;
      cmsg->cmsg_len = CMSG_LEN (n_fds * sizeof (int));
      memcpy (CMSG_DATA (cmsg), fds, n_fds * sizeof (int));
    }
  g_assert_cmpint (sendmsg (pair->fds[0], &message, MSG_NOSIGNAL), ==, (gssize)size);
}

static struct collet_frame_header
make_header (guint32 size, guint16 flags)
{
  return (struct collet_frame_header){
    .magic = COLLET_WIRE_MAGIC, .type = COLLET_FRAME_CALL, .flags = flags, .size = size
  };
}

static void
test_inline (Pair *pair, gconstpointer data)
{
  struct collet_frame_header header = { .type = COLLET_FRAME_RESULT, .id = 77, .status = -3, .detail = 9 };
  struct iovec parts[] = { { (void *)"one", 3 }, { (void *)"", 0 }, { (void *)"two", 3 } };
  struct collet_frame frame;

  g_assert_cmpint (collet_wire_send (pair->fds[0], &header, parts, 3, NULL, 0), ==, 0);
  g_assert_cmpint (receive (pair, &frame), ==, 1);
  g_assert_cmpuint (frame.header.type, ==, COLLET_FRAME_RESULT);
  g_assert_cmpuint (frame.header.id, ==, 77);
  g_assert_cmpint (frame.header.status, ==, -3);
  g_assert_cmpuint (frame.header.detail, ==, 9);
  g_assert_cmpuint (frame.header.size, ==, 6);
  g_assert_cmpstr (frame.payload, ==, "onetwo"); /* terminated */
  g_assert_null (frame.heap);
  collet_frame_clear (&frame);
  g_assert_cmpint (receive (pair, &frame), ==, -EAGAIN);
}

/* Exactly what fits goes inline; one byte more takes the memfd. */
static void
test_sizes (Pair *pair, gconstpointer data)
{
  const size_t sizes[] = {
    0, 1, COLLET_WIRE_INLINE, COLLET_WIRE_INLINE + 1, 3 * 1024 * 1024 + 7, COLLET_WIRE_MAX
  };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *payload = g_malloc (sizes[i] + 1);
      struct collet_frame frame;

      for (size_t j = 0; j < sizes[i]; j++)
        payload[j] = (char)(j * 31 + i);
      g_assert_cmpint (collet_wire_send_simple (pair->fds[0], COLLET_FRAME_ANSWER, i, 0, payload, sizes[i]),
                       ==, 0);
      g_assert_cmpint (receive (pair, &frame), ==, 1);
      g_assert_cmpint ((frame.heap != NULL), ==, (sizes[i] > COLLET_WIRE_INLINE));
      g_assert_cmpmem (frame.payload, frame.header.size, payload, sizes[i]);
      g_assert_cmpint (frame.payload[sizes[i]], ==, 0);
      collet_frame_clear (&frame);
    }
}

static void
test_too_large_to_send (Pair *pair, gconstpointer data)
{
  struct collet_frame_header header = { .type = COLLET_FRAME_ANSWER };
  g_autofree char *bytes = g_malloc (COLLET_WIRE_MAX / 2 + 1);
  struct iovec parts[] = { { bytes, COLLET_WIRE_MAX / 2 + 1 }, { bytes, COLLET_WIRE_MAX / 2 } };
  struct collet_frame frame;

  g_assert_cmpint (collet_wire_send (pair->fds[0], &header, parts, 2, NULL, 0), ==, -EMSGSIZE);
  parts[0].iov_len = parts[1].iov_len = SIZE_MAX / 2 + 8; /* sums to little */
  g_assert_cmpint (collet_wire_send (pair->fds[0], &header, parts, 2, NULL, 0), ==, -EMSGSIZE);
  g_assert_cmpint (receive (pair, &frame), ==, -EAGAIN);
}

static void
test_fds (Pair *pair, gconstpointer data)
{
  struct collet_frame_header header = { .type = COLLET_FRAME_SPAWN };
  g_autofree char *bytes = g_malloc0 (COLLET_WIRE_INLINE * 2);

  for (guint large = 0; large < 2; large++)
    {
      struct iovec part = { bytes, large ? COLLET_WIRE_INLINE * 2 : 4 };
      struct collet_frame frame;
      int fds[COLLET_WIRE_MAX_FDS];
      int taken;

      for (guint i = 0; i < COLLET_WIRE_MAX_FDS; i++)
        fds[i] = open ("/dev/null", O_RDONLY | O_CLOEXEC);
      g_assert_cmpint (collet_wire_send (pair->fds[0], &header, &part, 1, fds, COLLET_WIRE_MAX_FDS), ==, 0);
      for (guint i = 0; i < COLLET_WIRE_MAX_FDS; i++)
        close (fds[i]);

      g_assert_cmpint (receive (pair, &frame), ==, 1);
      g_assert_cmpuint (frame.n_fds, ==, COLLET_WIRE_MAX_FDS);
      g_assert_cmpuint (frame.header.size, ==, part.iov_len);
      taken = collet_frame_steal_fd (&frame, 1);
      g_assert_cmpint (fcntl (taken, F_GETFD), ==, FD_CLOEXEC);
      g_assert_cmpint (collet_frame_steal_fd (&frame, 1), ==, -1);
      g_assert_cmpint (collet_frame_steal_fd (&frame, COLLET_WIRE_MAX_FDS), ==, -1);
      collet_frame_clear (&frame);
      g_assert_cmpint (fcntl (taken, F_GETFD), ==, FD_CLOEXEC); /* ours now */
      close (taken);
    }
}

static void
test_peer_closed (Pair *pair, gconstpointer data)
{
  struct collet_frame frame;

  shutdown (pair->fds[0], SHUT_RDWR);
  g_assert_cmpint (receive (pair, &frame), ==, 0);
  g_assert_cmpint (collet_wire_send_simple (pair->fds[1], COLLET_FRAME_READY, 0, 0, NULL, 0), ==, -EPIPE);
}

/* A full socket: nothing was sent, and what was is whole. */
static void
test_full (Pair *pair, gconstpointer data)
{
  g_autofree char *payload = g_malloc0 (COLLET_WIRE_INLINE);
  struct collet_frame frame;
  guint sent = 0, received = 0;
  int result;

  while ((result = collet_wire_send_simple (pair->fds[0], COLLET_FRAME_RESULT, sent, 0, payload,
                                            COLLET_WIRE_INLINE)) == 0)
    sent++;
  g_assert_cmpint (result, ==, -EAGAIN);
  while (receive (pair, &frame) == 1)
    {
      g_assert_cmpuint (frame.header.id, ==, received++);
      collet_frame_clear (&frame);
    }
  g_assert_cmpuint (received, ==, sent);
}

static void
expect_refused (Pair *pair, int expected)
{
  struct collet_frame frame;

  g_assert_cmpint (receive (pair, &frame), ==, expected);
  g_assert_cmpuint (frame.n_fds, ==, 0);
  g_assert_null (frame.heap);
}

static void
test_malformed (Pair *pair, gconstpointer data)
{
  struct
  {
    struct collet_frame_header header;
    char payload[16];
  } message = { .header = make_header (16, 0) };
  const size_t whole = sizeof message.header + 16;
  g_autofree char *huge = g_malloc0 (COLLET_WIRE_BUFFER + 100);
  int null_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int six[6] = { null_fd, null_fd, null_fd, null_fd, null_fd, null_fd };

  for (size_t size = 1; size < whole; size++) /* cut at any place */
    {
      send_raw (pair, &message, size, NULL, 0);
      expect_refused (pair, -EPROTO);
    }
  message.header.magic++;
  send_raw (pair, &message, whole, &null_fd, 1);
  expect_refused (pair, -EPROTO);
  message.header = make_header (15, 0); /* says less than there is */
  send_raw (pair, &message, whole, &null_fd, 1);
  expect_refused (pair, -EPROTO);
  message.header = make_header (G_MAXUINT32, 0);
  send_raw (pair, &message, whole, NULL, 0);
  expect_refused (pair, -EPROTO);
  message.header = make_header (16, 2); /* unknown flag */
  send_raw (pair, &message, whole, NULL, 0);
  expect_refused (pair, -EPROTO);
  message.header = make_header (16, 0); /* too many fds */
  send_raw (pair, &message, whole, six, 5);
  expect_refused (pair, -EPROTO);
  send_raw (pair, &message, whole, six, 6);
  expect_refused (pair, -EPROTO);
  memcpy (huge, &message.header, sizeof message.header);
  send_raw (pair, huge, COLLET_WIRE_BUFFER + 100, &null_fd, 1);
  expect_refused (pair, -EMSGSIZE);
  close (null_fd);
}

static void
send_payload_fd (Pair *pair, int fd, guint32 size)
{
  struct collet_frame_header header = make_header (size, COLLET_FRAME_IN_FD);

  send_raw (pair, &header, sizeof header, &fd, fd >= 0 ? 1 : 0);
  if (fd >= 0)
    close (fd);
}

static int
make_memfd (off_t size, int seals)
{
  int fd = memfd_create ("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  g_assert_cmpint (ftruncate (fd, size), ==, 0);
  g_assert_cmpint (fcntl (fd, F_ADD_SEALS, seals), ==, 0);
  return fd;
}

/* What is not a sealed memfd of the announced size could block the reader,
 * change under it or eat its memory. */
static void
test_hostile_payload_fd (Pair *pair, gconstpointer data)
{
  const int sealed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  struct collet_frame frame;
  int pipe_fds[2];

  send_payload_fd (pair, -1, 50000);
  expect_refused (pair, -EPROTO);
  send_payload_fd (pair, make_memfd (50001, sealed), 50000);
  expect_refused (pair, -EPROTO);
  send_payload_fd (pair, make_memfd (49999, sealed), 50000);
  expect_refused (pair, -EPROTO);
  send_payload_fd (pair, make_memfd (50000, F_SEAL_GROW), 50000);
  expect_refused (pair, -EPROTO);
  send_payload_fd (pair, make_memfd ((off_t)COLLET_WIRE_MAX + 1, sealed), COLLET_WIRE_MAX + 1);
  expect_refused (pair, -EPROTO);
  send_payload_fd (pair, open ("/dev/zero", O_RDONLY | O_CLOEXEC), 50000);
  expect_refused (pair, -EPROTO);
  send_payload_fd (pair, open ("/proc/self/exe", O_RDONLY | O_CLOEXEC), 50000);
  expect_refused (pair, -EPROTO);
  g_assert_cmpint (pipe2 (pipe_fds, O_CLOEXEC), ==, 0);
  send_payload_fd (pair, pipe_fds[0], 50000);
  expect_refused (pair, -EPROTO);
  close (pipe_fds[1]);

  send_payload_fd (pair, make_memfd (50000, sealed), 50000); /* the honest one */
  g_assert_cmpint (receive (pair, &frame), ==, 1);
  collet_frame_clear (&frame);
}

static void
test_failure_round_trip (void)
{
  char buffer[COLLET_FAILURE_MAX];
  struct collet_failure in, out;
  size_t size;

  g_assert_false (collet_failure_set (&in, "AbiMismatch", "Rebuild it.",
                                      "found %d.%d, \xff"
                                      "bad",
                                      2, 1));
  g_assert_cmpstr (in.message, ==,
                   "found 2.1, \xef\xbf\xbd"
                   "bad");
  size = collet_failure_encode (&in, buffer);
  g_assert_true (collet_failure_decode (&out, buffer, size));
  g_assert_cmpstr (out.name, ==, "AbiMismatch");
  g_assert_cmpstr (out.message, ==, in.message);
  g_assert_cmpstr (out.remedy, ==, "Rebuild it.");

  for (size_t cut = 0; cut < size; cut++)
    {
      g_assert_false (collet_failure_decode (&out, buffer, cut));
      g_assert_cmpstr (out.name, ==, "Failed");
    }
  g_assert_false (collet_failure_decode (&out, "a\0b\0c\0d", 8));
  g_assert_false (collet_failure_decode (&out, "\0b\0c", 5));
}

static void
test_failure_long (void)
{
  g_autofree char *text = g_strnfill (5000, 'x');
  char buffer[COLLET_FAILURE_MAX];
  struct collet_failure in, out;

  memcpy (text + 2045, "\xe2\x82\xac", 3); /* across the limit */
  collet_failure_set (&in, text, text, "%s", text);
  g_assert_true (collet_failure_decode (&out, buffer, collet_failure_encode (&in, buffer)));
  g_assert_cmpuint (strlen (out.message), ==, 2045);
  g_assert_true (g_utf8_validate (out.message, -1, NULL));
}

static void
test_utf8_like_glib (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  const char bytes[] = { 'a',    '\x7f', '\x80', '\xbf', '\xc1', '\xc2', '\xe0', '\xa0',
                         '\xed', '\x9f', '\xf0', '\x90', '\xf4', '\x8f', '\xf5' };

  for (guint i = 0; i < 200000; i++)
    {
      char text[6];
      gint size = g_rand_int_range (random, 0, 7);

      for (gint j = 0; j < size; j++)
        text[j] = bytes[g_rand_int_range (random, 0, G_N_ELEMENTS (bytes))];
      g_assert_cmpint (collet_utf8_is_valid (text, (size_t)size), ==,
                       g_utf8_validate_len (text, (size_t)size, NULL));
    }
}

static void
test_utf8_prefix (void)
{
  const char text[] = "a\xe2\x82\xac"
                      "b";

  g_assert_cmpuint (collet_utf8_prefix (text, 5, 5), ==, 5);
  g_assert_cmpuint (collet_utf8_prefix (text, 5, 4), ==, 4);
  g_assert_cmpuint (collet_utf8_prefix (text, 5, 3), ==, 1);
  g_assert_cmpuint (collet_utf8_prefix (text, 5, 2), ==, 1);
  g_assert_cmpuint (collet_utf8_prefix (text, 5, 1), ==, 1);
  g_assert_cmpuint (collet_utf8_prefix (text, 5, 0), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/wire/" path, Pair, NULL, pair_set_up, function, pair_tear_down)
  ADD ("frame/arrives-whole-and-terminated", test_inline);
  ADD ("frame/any-size-up-to-the-limit", test_sizes);
  ADD ("frame/more-than-the-limit-is-not-sent", test_too_large_to_send);
  ADD ("frame/fds-arrive-and-are-owned", test_fds);
  ADD ("frame/a-closed-peer-is-seen", test_peer_closed);
  ADD ("frame/a-full-socket-loses-nothing", test_full);
  ADD ("frame/malformed-is-refused-without-a-leak", test_malformed);
  ADD ("frame/hostile-payload-fd-is-refused", test_hostile_payload_fd);
  g_test_add_func ("/wire/failure/comes-back-as-it-was", test_failure_round_trip);
  g_test_add_func ("/wire/failure/is-cut-at-a-character", test_failure_long);
  g_test_add_func ("/wire/utf8/agrees-with-glib", test_utf8_like_glib);
  g_test_add_func ("/wire/utf8/prefix-does-not-cut", test_utf8_prefix);
  return g_test_run ();
}
