/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-session.h"

#include "collet-clock.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#define ID_BYTES 16
#define MIN_IDLE_US (60 * G_USEC_PER_SEC)
#define LOG_NONE 255
#define MAX_LOOK 256 /* sessions looked at for one that can make room */

static const char *const revisions[COLLET_MCP_N_REVISIONS] = { "2024-11-05", "2025-03-26", "2025-06-18",
                                                               "2025-11-25" };

struct _ColletMcpSession
{
  char id[2 * ID_BYTES + 1];
  ColletMcpRevision revision;
  char *client;
  guint questions;
  gatomicrefcount ref_count;
  ColletSessionStore *store; /* or NULL */
  GList link;                /* the table's, with used_us: under its lock */
  gint64 used_us;
  gint log_level;       /* atomic; saved under the lock */
  pthread_mutex_t lock; /* everything below */
  guint64 seen;
  ColletExchange *stream;
  GQueue calls;
  gboolean is_ended; /* not to be saved again */
  gint64 second;     /* rate: requests taken in this second */
  guint taken;
};

struct _ColletMcpSessions
{
  pthread_mutex_t lock;
  GHashTable *by_id; /* borrowed id -> session */
  GQueue by_use;     /* longest unused first */
  guint max;
  gint64 idle_us;
  gint64 saved_us; /* when uses were saved last; the housekeeper's */
  ColletSessionStore *store;
};

const char *
collet_mcp_revision_name (ColletMcpRevision revision)
{
  return revisions[revision];
}

gboolean
collet_mcp_revision_from_name (const char *name, ColletMcpRevision *revision)
{
  for (guint i = 0; i < COLLET_MCP_N_REVISIONS; i++)
    if (strcmp (name, revisions[i]) == 0)
      {
        *revision = (ColletMcpRevision)i;
        return TRUE;
      }
  return FALSE;
}

ColletMcpSession *
collet_mcp_session_ref (ColletMcpSession *session)
{
  g_atomic_ref_count_inc (&session->ref_count);
  return session;
}

void
collet_mcp_session_unref (ColletMcpSession *session)
{
  if (!g_atomic_ref_count_dec (&session->ref_count))
    return;
  if (session->stream)
    session->stream->class_->unref (session->stream);
  pthread_mutex_destroy (&session->lock);
  g_free (session->client);
  g_free (session);
}

static ColletMcpSession *
session_new (const char *id, ColletMcpRevision revision, const char *client, guint questions, guint64 seen)
{
  ColletMcpSession *session = g_new0 (ColletMcpSession, 1);

  g_strlcpy (session->id, id, sizeof session->id);
  session->revision = revision;
  session->client = g_strdup (client);
  session->questions = questions;
  session->seen = seen;
  session->log_level = LOG_NONE;
  session->link.data = session;
  session->used_us = g_get_monotonic_time ();
  g_atomic_ref_count_init (&session->ref_count);
  pthread_mutex_init (&session->lock, NULL);
  return session;
}

/* With the session's lock, so that no older state comes after a newer one, nor any
 * after the end. */
static void
save_locked (ColletMcpSession *session)
{
  ColletSessionRecord record = { .id = session->id,
                                 .revision = revisions[session->revision],
                                 .client = session->client,
                                 .questions = session->questions,
                                 .log_level = session->log_level,
                                 .seen = session->seen,
                                 .used_us = g_get_real_time () };

  if (session->store && !session->is_ended)
    session->store->class_->save (session->store, &record);
}

static void
save (ColletMcpSession *session)
{
  pthread_mutex_lock (&session->lock);
  save_locked (session);
  pthread_mutex_unlock (&session->lock);
}

static void
forget (ColletMcpSession *session)
{
  pthread_mutex_lock (&session->lock);
  session->is_ended = TRUE;
  if (session->store)
    session->store->class_->remove (session->store, session->id);
  pthread_mutex_unlock (&session->lock);
}

ColletMcpSessions *
collet_mcp_sessions_new (guint max, gint64 idle_us, ColletSessionStore *store)
{
  ColletMcpSessions *sessions = g_new0 (ColletMcpSessions, 1);

  pthread_mutex_init (&sessions->lock, NULL);
  sessions->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  sessions->max = max;
  sessions->idle_us = idle_us;
  sessions->saved_us = g_get_monotonic_time ();
  sessions->store = store;
  return sessions;
}

void
collet_mcp_sessions_set_limits (ColletMcpSessions *sessions, guint max, gint64 idle_us)
{
  pthread_mutex_lock (&sessions->lock);
  sessions->max = max;
  sessions->idle_us = idle_us;
  pthread_mutex_unlock (&sessions->lock);
}

void
collet_mcp_sessions_free (ColletMcpSessions *sessions)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&sessions->by_use)))
    collet_mcp_session_unref (link->data);
  g_hash_table_unref (sessions->by_id);
  pthread_mutex_destroy (&sessions->lock);
  g_free (sessions);
}

static gboolean
is_busy (ColletMcpSession *session)
{
  gboolean busy;

  pthread_mutex_lock (&session->lock);
  busy = session->stream != NULL || session->calls.length > 0;
  pthread_mutex_unlock (&session->lock);
  return busy;
}

/* With the table's lock. */
static void
unlink_locked (ColletMcpSessions *sessions, ColletMcpSession *session)
{
  g_hash_table_remove (sessions->by_id, session->id);
  g_queue_unlink (&sessions->by_use, &session->link);
}

/* With the table's lock: room for one more; *victim (owned) had to go. */
static gboolean
make_room_locked (ColletMcpSessions *sessions, ColletMcpSession **victim)
{
  gint64 limit = g_get_monotonic_time () - MIN_IDLE_US;
  guint looked_at = 0;

  if (sessions->by_use.length < sessions->max)
    return TRUE;
  for (GList *link = sessions->by_use.head; link && looked_at < MAX_LOOK; link = link->next, looked_at++)
    {
      ColletMcpSession *oldest = link->data;

      if (oldest->used_us > limit)
        return FALSE;
      if (is_busy (oldest))
        continue;
      unlink_locked (sessions, oldest);
      *victim = oldest;
      return TRUE;
    }
  return FALSE;
}

static gboolean
insert (ColletMcpSessions *sessions, ColletMcpSession *session)
{
  ColletMcpSession *victim = NULL;
  gboolean fits;

  session->store = sessions->store;
  pthread_mutex_lock (&sessions->lock);
  fits = !g_hash_table_contains (sessions->by_id, session->id) && make_room_locked (sessions, &victim);
  if (fits)
    {
      g_hash_table_insert (sessions->by_id, session->id, collet_mcp_session_ref (session));
      g_queue_push_tail_link (&sessions->by_use, &session->link);
    }
  pthread_mutex_unlock (&sessions->lock);
  if (victim)
    {
      forget (victim);
      collet_mcp_session_unref (victim);
    }
  return fits;
}

ColletMcpSession *
collet_mcp_sessions_add (ColletMcpSessions *sessions, ColletMcpRevision revision, const char *client,
                         guint questions, guint64 seen)
{
  guint8 bytes[ID_BYTES];
  char id[2 * ID_BYTES + 1];
  ColletMcpSession *session;

  if (getrandom (bytes, sizeof bytes, 0) != sizeof bytes)
    g_error ("mcp: the kernel gives no random numbers");
  for (guint i = 0; i < ID_BYTES; i++)
    g_snprintf (id + 2 * i, 3, "%02x", bytes[i]);
  session = session_new (id, revision, client, questions, seen);
  if (!insert (sessions, session))
    {
      collet_mcp_session_unref (session);
      return NULL;
    }
  save (session);
  return session;
}

gboolean
collet_mcp_sessions_import (ColletMcpSessions *sessions, const ColletSessionRecord *record)
{
  g_autoptr (ColletMcpSession) session = NULL;
  ColletMcpRevision revision;

  if (strlen (record->id) != 2 * ID_BYTES || !collet_mcp_revision_from_name (record->revision, &revision))
    return FALSE;
  session = session_new (record->id, revision, record->client, record->questions, record->seen);
  session->log_level = record->log_level;
  return insert (sessions, session);
}

ColletMcpSession *
collet_mcp_sessions_find (ColletMcpSessions *sessions, const char *id)
{
  gint64 now = collet_clock_get_coarse ();
  ColletMcpSession *session;

  pthread_mutex_lock (&sessions->lock);
  session = g_hash_table_lookup (sessions->by_id, id);
  if (session)
    {
      collet_mcp_session_ref (session);
      session->used_us = now;
      g_queue_unlink (&sessions->by_use, &session->link);
      g_queue_push_tail_link (&sessions->by_use, &session->link);
    }
  pthread_mutex_unlock (&sessions->lock);
  return session;
}

void
collet_mcp_sessions_end (ColletMcpSessions *sessions, ColletMcpSession *session)
{
  gboolean was_there;

  pthread_mutex_lock (&sessions->lock);
  was_there = g_hash_table_lookup (sessions->by_id, session->id) == session;
  if (was_there)
    unlink_locked (sessions, session);
  pthread_mutex_unlock (&sessions->lock);
  if (!was_there)
    return;
  forget (session);
  collet_mcp_session_unref (session);
}

GPtrArray *
collet_mcp_sessions_list_idle (ColletMcpSessions *sessions)
{
  GPtrArray *idle = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_mcp_session_unref);
  gint64 limit;

  pthread_mutex_lock (&sessions->lock);
  limit = g_get_monotonic_time () - sessions->idle_us;
  for (GList *link = sessions->by_use.head; link; link = link->next)
    {
      ColletMcpSession *session = link->data;

      if (session->used_us > limit)
        break;
      if (!is_busy (session))
        g_ptr_array_add (idle, collet_mcp_session_ref (session));
    }
  pthread_mutex_unlock (&sessions->lock);
  return idle;
}

void
collet_mcp_sessions_save_used (ColletMcpSessions *sessions, gint64 period_us)
{
  g_autoptr (GPtrArray) used = NULL;
  gint64 since = sessions->saved_us;

  if (!sessions->store || g_get_monotonic_time () < since + period_us)
    return;
  used = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_mcp_session_unref);
  sessions->saved_us = g_get_monotonic_time ();
  pthread_mutex_lock (&sessions->lock);
  for (GList *link = sessions->by_use.head; link; link = link->next)
    {
      ColletMcpSession *session = link->data;

      if (session->used_us >= since || is_busy (session))
        g_ptr_array_add (used, collet_mcp_session_ref (session));
    }
  pthread_mutex_unlock (&sessions->lock);
  for (guint i = 0; i < used->len; i++)
    save (used->pdata[i]);
}

guint
collet_mcp_sessions_get_length (ColletMcpSessions *sessions)
{
  guint length;

  pthread_mutex_lock (&sessions->lock);
  length = sessions->by_use.length;
  pthread_mutex_unlock (&sessions->lock);
  return length;
}

const char *
collet_mcp_session_get_id (const ColletMcpSession *session)
{
  return session->id;
}

const char *
collet_mcp_session_get_client (const ColletMcpSession *session)
{
  return session->client;
}

guint
collet_mcp_session_get_questions (const ColletMcpSession *session)
{
  return session->questions;
}

ColletMcpRevision
collet_mcp_session_get_revision (const ColletMcpSession *session)
{
  return session->revision;
}

int
collet_mcp_session_get_log_level (ColletMcpSession *session)
{
  return g_atomic_int_get (&session->log_level);
}

void
collet_mcp_session_set_log_level (ColletMcpSession *session, int level)
{
  pthread_mutex_lock (&session->lock);
  g_atomic_int_set (&session->log_level, level);
  save_locked (session);
  pthread_mutex_unlock (&session->lock);
}

guint64
collet_mcp_session_get_seen (ColletMcpSession *session)
{
  guint64 seen;

  pthread_mutex_lock (&session->lock);
  seen = session->seen;
  pthread_mutex_unlock (&session->lock);
  return seen;
}

gboolean
collet_mcp_session_set_seen (ColletMcpSession *session, guint64 seen)
{
  gboolean differs;

  pthread_mutex_lock (&session->lock);
  differs = session->seen != seen;
  session->seen = seen;
  if (differs)
    save_locked (session);
  pthread_mutex_unlock (&session->lock);
  return differs;
}

ColletExchange *
collet_mcp_session_set_stream (ColletMcpSession *session, ColletExchange *exchange)
{
  ColletExchange *former;

  pthread_mutex_lock (&session->lock);
  former = session->stream;
  session->stream = exchange ? exchange->class_->ref (exchange) : NULL;
  pthread_mutex_unlock (&session->lock);
  return former;
}

void
collet_mcp_session_lose_stream (ColletMcpSession *session, ColletExchange *exchange)
{
  ColletExchange *lost = NULL;

  pthread_mutex_lock (&session->lock);
  if (session->stream == exchange)
    lost = g_steal_pointer (&session->stream);
  pthread_mutex_unlock (&session->lock);
  if (lost)
    lost->class_->unref (lost);
}

gboolean
collet_mcp_session_add_call (ColletMcpSession *session, GList *link, guint max)
{
  gboolean fits;

  pthread_mutex_lock (&session->lock);
  fits = session->calls.length < max;
  if (fits)
    g_queue_push_tail_link (&session->calls, link);
  pthread_mutex_unlock (&session->lock);
  return fits;
}

void
collet_mcp_session_remove_call (ColletMcpSession *session, GList *link)
{
  pthread_mutex_lock (&session->lock);
  g_queue_unlink (&session->calls, link);
  pthread_mutex_unlock (&session->lock);
}

GPtrArray *
collet_mcp_session_collect_calls (ColletMcpSession *session,
                                  gpointer (*act) (gpointer call, gpointer user_data), gpointer user_data)
{
  GPtrArray *kept = g_ptr_array_new ();

  pthread_mutex_lock (&session->lock);
  for (GList *link = session->calls.head; link; link = link->next)
    {
      gpointer keep = act (link->data, user_data);
      if (keep)
        g_ptr_array_add (kept, keep);
    }
  pthread_mutex_unlock (&session->lock);
  return kept;
}

gboolean
collet_mcp_session_take_turn (ColletMcpSession *session, guint per_second)
{
  gint64 second = g_get_monotonic_time () / G_USEC_PER_SEC;
  gboolean allowed;

  pthread_mutex_lock (&session->lock);
  if (session->second != second)
    session->taken = 0;
  session->second = second;
  allowed = session->taken < per_second;
  session->taken += allowed;
  pthread_mutex_unlock (&session->lock);
  return allowed;
}
