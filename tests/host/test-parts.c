/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the generations are made of. */
#include <pthread.h>

#include "collet-call-table.h"
#include "collet-io.h"
#include "collet-mailbox.h"
#include "collet-restart-policy.h"
#include "collet-test-calls.h"

static void
test_table_ids (void)
{
  ColletCallTable table;
  ColletCall calls[3] = { { .deadline_us = 1 }, { .deadline_us = 2 }, { .deadline_us = 3 } };
  guint64 first, again;

  collet_call_table_init (&table, 2);
  g_assert_null (collet_call_table_find (&table, 0));
  g_assert_null (collet_call_table_find (&table, 1));
  first = collet_call_table_add (&table, &calls[0], COLLET_CALL_SENT);
  g_assert_cmpuint (first, !=, 0);
  g_assert_cmpuint (collet_call_table_add (&table, &calls[1], COLLET_CALL_QUEUED), !=, 0);
  g_assert_cmpuint (collet_call_table_add (&table, &calls[2], COLLET_CALL_QUEUED), ==, 0);

  g_assert_true (collet_call_table_find (&table, first)->call == &calls[0]);
  collet_call_table_remove (&table, collet_call_table_find (&table, first));
  g_assert_null (collet_call_table_find (&table, first)); /* late */
  again = collet_call_table_add (&table, &calls[2], COLLET_CALL_SENT);
  g_assert_cmpuint (again, !=, first);
  g_assert_null (collet_call_table_find (&table, first)); /* the place is another's */
  g_assert_null (collet_call_table_find (&table, again + (1ull << 32)));
  g_assert_null (collet_call_table_find (&table, G_MAXUINT64));
  collet_call_table_clear (&table);
}

static void
test_table_order (void)
{
  ColletCallTable table;
  ColletCall calls[100] = { { .deadline_us = 0 } };
  guint64 ids[100];
  ColletCallEntry *entry;
  guint expected = 0;

  collet_call_table_init (&table, 100);
  for (guint i = 0; i < 100; i++)
    ids[i] = collet_call_table_add (&table, &calls[i], COLLET_CALL_QUEUED);
  for (guint i = 0; i < 100; i += 3)
    collet_call_table_move (&table, collet_call_table_find (&table, ids[i]), COLLET_CALL_SENT);
  g_assert_cmpuint (collet_call_table_get_length (&table, COLLET_CALL_SENT), ==, 34);
  for (entry = collet_call_table_first (&table, COLLET_CALL_SENT); entry != NULL;
       entry = collet_call_table_next (&table, entry), expected += 3)
    g_assert_true (entry->call == &calls[expected]);
  g_assert_cmpuint (expected, ==, 102);
  for (guint i = 0; i < 100; i++)
    collet_call_table_remove (&table, collet_call_table_find (&table, ids[99 - i]));
  g_assert_null (collet_call_table_first (&table, COLLET_CALL_SENT));
  g_assert_null (collet_call_table_first (&table, COLLET_CALL_QUEUED));
  collet_call_table_clear (&table);
}

static void
test_restart_policy (void)
{
  ColletRestartPolicy policy;
  gint64 now = 1000000;

  collet_restart_policy_init (&policy, 4, 30);
  g_assert_cmpint (collet_restart_policy_count_death (&policy, now), ==, 10000);
  g_assert_cmpint (collet_restart_policy_count_death (&policy, now + 1), ==, 20000);
  g_assert_cmpint (collet_restart_policy_count_death (&policy, now + 2), ==, 40000);
  g_assert_cmpint (collet_restart_policy_count_death (&policy, now + 3), ==, -1);
  /* After the window it is a new worker. */
  g_assert_cmpint (collet_restart_policy_count_death (&policy, now + 31 * G_USEC_PER_SEC), ==, 10000);
  collet_restart_policy_clear (&policy);

  collet_restart_policy_init (&policy, 1000, 30);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpint (collet_restart_policy_count_death (&policy, now), <=, 5 * G_USEC_PER_SEC);
  collet_restart_policy_clear (&policy);
}

/* I/O thread */

typedef struct
{
  ColletIo *io;
  ColletIoTimer timer;
  gint posts;   /* atomic */
  gint expired; /* atomic */
  gint64 late_us;
  gint64 due;
} Io;

static void
on_post (gpointer data)
{
  Io *io = data;

  g_assert_true (collet_io_is_current (io->io));
  g_atomic_int_inc (&io->posts);
}

static void
on_expired (gpointer data, gint64 now)
{
  Io *io = data;

  io->late_us = now - io->due;
  g_atomic_int_inc (&io->expired);
}

static void
add_timer (gpointer data)
{
  Io *io = data;

  collet_io_add_timer (io->io, &io->timer);
}

static void
remove_timer (gpointer data)
{
  Io *io = data;

  collet_io_remove_timer (io->io, &io->timer);
}

static gboolean
has_expired (gpointer data)
{
  return g_atomic_int_get (&((Io *)data)->expired) > 0;
}

static void
test_io_timer (void)
{
  Io io = { .timer = { .at = G_MAXINT64, .expired = on_expired } };

  io.io = collet_io_new (NULL);
  io.timer.user_data = &io;
  collet_io_post (io.io, add_timer, &io);
  test_wait_ms (10);
  io.due = g_get_monotonic_time () + 30000;
  collet_io_advance_timer (io.io, &io.timer, io.due + 5 * G_USEC_PER_SEC);
  collet_io_advance_timer (io.io, &io.timer, io.due);
  collet_io_advance_timer (io.io, &io.timer, io.due + G_USEC_PER_SEC); /* not put off */
  test_wait_until (has_expired, &io);
  collet_io_post (io.io, remove_timer, &io);
  collet_io_stop (io.io);
  g_assert_cmpint (io.expired, ==, 1);
  g_assert_cmpint (io.late_us, >=, 0);
  g_assert_cmpint (io.late_us, <, 1000000);
  collet_io_free (io.io);
}

static void
test_io_posts (void)
{
  Io io = { .posts = 0 };

  io.io = collet_io_new (NULL);
  for (guint i = 0; i < 1000; i++)
    collet_io_post (io.io, on_post, &io);
  collet_io_stop (io.io);
  g_assert_cmpint (io.posts, ==, 1000);
  collet_io_post (io.io, on_post, &io);
  collet_io_free (io.io);
  g_assert_cmpint (io.posts, ==, 1001);
}

/* Mailbox */

typedef struct
{
  ColletMailbox *mailbox;
  guint expected, destroyed;
} Mail;

static Mail mail;

static void
on_mail (gpointer data)
{
  g_assert_cmpuint (GPOINTER_TO_UINT (data), ==, mail.expected++);
}

static void
on_destroy (gpointer data)
{
  mail.destroyed++;
}

static gpointer
post_mail (gpointer data)
{
  for (guint i = 0; i < 1000; i++)
    collet_mailbox_post (mail.mailbox, on_mail, GUINT_TO_POINTER (i), on_destroy);
  return NULL;
}

static gboolean
has_all_mail (gpointer data)
{
  return mail.expected == 1000;
}

static void
test_mailbox (void)
{
  GThread *thread;

  mail = (Mail){ collet_mailbox_new (), 0, 0 };
  thread = g_thread_new ("post", post_mail, NULL);
  test_wait_until (has_all_mail, NULL);
  g_thread_join (thread);
  g_assert_cmpuint (mail.destroyed, ==, 1000);
  collet_mailbox_post (mail.mailbox, on_mail, NULL, on_destroy);
  collet_mailbox_free (mail.mailbox);
  g_assert_cmpuint (mail.expected, ==, 1000);
  g_assert_cmpuint (mail.destroyed, ==, 1001);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/host/call-table/finds-no-late-or-invented-id", test_table_ids);
  g_test_add_func ("/host/call-table/keeps-order", test_table_order);
  g_test_add_func ("/host/restart-policy/backs-off-and-gives-up", test_restart_policy);
  g_test_add_func ("/host/io/timer-expires-once-at-its-time", test_io_timer);
  g_test_add_func ("/host/io/runs-every-post", test_io_posts);
  g_test_add_func ("/host/mailbox/delivers-in-order", test_mailbox);
  return g_test_run ();
}
