/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-replay.h"

#include "collet-error.h"
#include "collet-json.h"
#include "collet-mcp-error.h"
#include "collet-mcp-reply.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#define KEPT_US (60 * (gint64)G_USEC_PER_SEC)
#define MAX_EVENTS 256          /* of one stream */
#define MAX_SIZE (256u * 1024u) /* likewise */
#define MAX_TOTAL (64u * 1024u * 1024u)
#define MAX_REPLAYS 4096
#define MAX_REQUEST 128 /* bytes of a raw id that fit into an event's */
#define KEY_SIZE 16     /* hexadecimal digits */

struct _ColletMcpReplay
{
  ColletMcpReplays *replays;
  gatomicrefcount ref_count; /* the set's and the call's */
  char key[KEY_SIZE + 1];
  char *session, *request; /* base64url of the request's id, or "" */
  GList link;              /* the set's, with the rest of the line under its lock */
  gboolean is_in_set;
  pthread_mutex_t lock;     /* all below */
  ColletExchange *exchange; /* owned; NULL: nobody listens */
  GQueue events;            /* GBytes */
  gsize size;
  guint first;    /* number of the first of them */
  gint64 lost_us; /* since when nobody listens */
  gint64 ended_us;
};

struct _ColletMcpReplays
{
  pthread_mutex_t lock;
  GHashTable *by_key;
  GQueue by_age;
  gint total; /* atomic: KiB */
};

ColletMcpReplays *
collet_mcp_replays_new (void)
{
  ColletMcpReplays *replays = g_new0 (ColletMcpReplays, 1);

  pthread_mutex_init (&replays->lock, NULL);
  replays->by_key = g_hash_table_new (g_str_hash, g_str_equal);
  return replays;
}

static gint
kib (gsize size)
{
  return (gint)(size / 1024) + 1;
}

static void
drop_first (ColletMcpReplay *replay)
{
  g_autoptr (GBytes) event = g_queue_pop_head (&replay->events);

  replay->size -= g_bytes_get_size (event);
  g_atomic_int_add (&replay->replays->total, -kib (g_bytes_get_size (event)));
  replay->first++;
}

ColletMcpReplay *
collet_mcp_replay_ref (ColletMcpReplay *replay)
{
  g_atomic_ref_count_inc (&replay->ref_count);
  return replay;
}

void
collet_mcp_replay_unref (ColletMcpReplay *replay)
{
  if (!g_atomic_ref_count_dec (&replay->ref_count))
    return;
  while (!g_queue_is_empty (&replay->events))
    drop_first (replay);
  if (replay->exchange)
    replay->exchange->class_->unref (replay->exchange);
  pthread_mutex_destroy (&replay->lock);
  g_free (replay->session);
  g_free (replay->request);
  g_free (replay);
}

/* With the set's lock; whoever unlocked it drops what comes back. */
static ColletMcpReplay *
take_out_locked (ColletMcpReplays *replays, ColletMcpReplay *replay)
{
  g_hash_table_remove (replays->by_key, replay->key);
  g_queue_unlink (&replays->by_age, &replay->link);
  replay->is_in_set = FALSE;
  return replay;
}

void
collet_mcp_replays_free (ColletMcpReplays *replays)
{
  while (replays->by_age.head)
    collet_mcp_replay_unref (take_out_locked (replays, replays->by_age.head->data));
  g_hash_table_unref (replays->by_key);
  pthread_mutex_destroy (&replays->lock);
  g_free (replays);
}

static gboolean
is_over (ColletMcpReplay *replay, gint64 before_us)
{
  gboolean over;

  pthread_mutex_lock (&replay->lock);
  over = replay->ended_us != 0 && replay->ended_us < before_us;
  pthread_mutex_unlock (&replay->lock);
  return over;
}

static gboolean
is_full (ColletMcpReplays *replays)
{
  return replays->by_age.length >= MAX_REPLAYS ||
         g_atomic_int_get (&replays->total) > (gint)(MAX_TOTAL / 1024);
}

void
collet_mcp_replays_tidy (ColletMcpReplays *replays, gint64 now_us)
{
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_mcp_replay_unref);
  GList *next;

  pthread_mutex_lock (&replays->lock);
  for (GList *link = replays->by_age.head; link; link = next)
    {
      next = link->next;
      if (is_over (link->data, now_us - KEPT_US))
        g_ptr_array_add (gone, take_out_locked (replays, link->data));
    }
  pthread_mutex_unlock (&replays->lock);
}

/* Into the set, if there is room or the oldest is over and can make some. */
static void
insert (ColletMcpReplays *replays, ColletMcpReplay *replay)
{
  ColletMcpReplay *oldest = NULL;

  pthread_mutex_lock (&replays->lock);
  if (is_full (replays) && replays->by_age.head && is_over (replays->by_age.head->data, G_MAXINT64))
    oldest = take_out_locked (replays, replays->by_age.head->data);
  if (!is_full (replays))
    {
      g_atomic_ref_count_inc (&replay->ref_count);
      replay->is_in_set = TRUE;
      g_hash_table_insert (replays->by_key, replay->key, replay);
      g_queue_push_tail_link (&replays->by_age, &replay->link);
    }
  pthread_mutex_unlock (&replays->lock);
  if (oldest)
    collet_mcp_replay_unref (oldest);
}

/* An event's id: the stream, the request it answers, the number. */

static char *
encode (const char *request, gsize size)
{
  g_autofree char *text =
      size <= MAX_REQUEST ? g_base64_encode ((const guchar *)request, size) : g_strdup ("");

  return g_strdelimit (g_strdelimit (g_strdup (text), "+", '-'), "/", '_');
}

/* The raw id again; NULL if there is none, or none that may be put into JSON. */
static char *
decode (const char *text, gsize size)
{
  g_autofree char *base64 = g_strdelimit (g_strdelimit (g_strndup (text, size), "-", '+'), "_", '/');
  g_autofree guchar *bytes = NULL;
  g_autoptr (ColletJson) json = NULL;
  gboolean is_id;
  gint64 number;
  gsize n;

  bytes = g_base64_decode (base64, &n);
  json = n > 0 && n <= MAX_REQUEST ? collet_json_parse ((const char *)bytes, (gssize)n, NULL) : NULL;
  is_id = json &&
          (collet_json_get_type (json, 0) == COLLET_JSON_STRING || collet_json_get_int64 (json, 0, &number));
  return is_id ? g_strndup ((const char *)bytes, n) : NULL;
}

typedef struct
{
  char key[KEY_SIZE + 1];
  char *request; /* raw, or NULL */
  guint number;
} EventId;

static gboolean
parse_id (const char *text, EventId *id)
{
  gsize size = strlen (text);
  const char *request = size > KEY_SIZE && text[KEY_SIZE] == '.' ? text + KEY_SIZE + 1 : NULL;
  const char *number = request ? strchr (request, '.') : NULL;
  guint64 value;

  if (!number || strspn (text, "0123456789abcdef") != KEY_SIZE ||
      !g_ascii_string_to_unsigned (number + 1, 10, 0, G_MAXINT32, &value, NULL))
    return FALSE;
  g_strlcpy (id->key, text, sizeof id->key);
  id->number = (guint)value;
  id->request = decode (request, (gsize)(number - request));
  return TRUE;
}

ColletMcpReplay *
collet_mcp_replay_new (ColletMcpReplays *replays, const char *session, const char *request,
                       gsize request_size, ColletExchange *exchange, gboolean is_primed)
{
  ColletMcpReplay *replay = g_new0 (ColletMcpReplay, 1);
  guint64 random;

  if (getrandom (&random, sizeof random, 0) != sizeof random)
    g_error ("mcp: the kernel gives no random numbers");
  g_snprintf (replay->key, sizeof replay->key, "%016" G_GINT64_MODIFIER "x", random);
  g_atomic_ref_count_init (&replay->ref_count);
  pthread_mutex_init (&replay->lock, NULL);
  replay->replays = replays;
  replay->session = g_strdup (session);
  replay->request = encode (request, request_size);
  replay->exchange = exchange->class_->ref (exchange);
  replay->first = 1;
  replay->link.data = replay;
  insert (replays, replay);
  if (is_primed)
    {
      g_autofree char *event = g_strdup_printf ("id: %s.%s.0\ndata: \n\n", replay->key, replay->request);
      exchange->class_->send (exchange, event, strlen (event));
    }
  return replay;
}

/* With the lock. */
static void
keep_locked (ColletMcpReplay *replay, GString *event)
{
  gsize size = event->len;

  g_atomic_int_add (&replay->replays->total, kib (size));
  replay->size += size;
  g_queue_push_tail (&replay->events, g_string_free_to_bytes (event));
  /* The last is the answer: it stays, however large. */
  while (replay->events.length > 1 && (replay->events.length > MAX_EVENTS || replay->size > MAX_SIZE))
    drop_first (replay);
}

/* With the lock: it is ended, or nobody listens there. */
static void
lose_locked (ColletMcpReplay *replay)
{
  ColletExchange *lost = g_steal_pointer (&replay->exchange);

  if (!lost)
    return;
  replay->lost_us = g_get_monotonic_time ();
  lost->class_->end (lost);
  lost->class_->unref (lost);
}

gboolean
collet_mcp_replay_send (ColletMcpReplay *replay, const char *json, gsize size)
{
  GString *event;
  gboolean is_heard;

  pthread_mutex_lock (&replay->lock);
  if (replay->ended_us != 0)
    {
      pthread_mutex_unlock (&replay->lock);
      return FALSE;
    }
  event = g_string_sized_new (size + 256);
  g_string_append_printf (event, "id: %s.%s.%u\n", replay->key, replay->request,
                          replay->first + replay->events.length);
  collet_mcp_append_event (event, json, size);
  is_heard = replay->exchange && replay->exchange->class_->send (replay->exchange, event->str, event->len);
  if (!is_heard)
    lose_locked (replay);
  if (replay->is_in_set)
    keep_locked (replay, event);
  else
    g_string_free (event, TRUE);
  pthread_mutex_unlock (&replay->lock);
  return is_heard;
}

void
collet_mcp_replay_end (ColletMcpReplay *replay)
{
  pthread_mutex_lock (&replay->lock);
  replay->ended_us = g_get_monotonic_time ();
  lose_locked (replay);
  pthread_mutex_unlock (&replay->lock);
  collet_mcp_replay_unref (replay);
}

void
collet_mcp_replay_lose (ColletMcpReplay *replay, const ColletExchange *exchange)
{
  pthread_mutex_lock (&replay->lock);
  if (replay->exchange == exchange)
    lose_locked (replay);
  pthread_mutex_unlock (&replay->lock);
}

gboolean
collet_mcp_replay_is_deserted (ColletMcpReplay *replay, gint64 now_us)
{
  gboolean is_deserted;

  pthread_mutex_lock (&replay->lock);
  is_deserted = !replay->exchange && (!replay->is_in_set || replay->lost_us < now_us - KEPT_US);
  pthread_mutex_unlock (&replay->lock);
  return is_deserted;
}

/* Coming back. */

static ColletMcpReplay *
find (ColletMcpReplays *replays, const char *session, const char *key)
{
  ColletMcpReplay *found;

  pthread_mutex_lock (&replays->lock);
  found = g_hash_table_lookup (replays->by_key, key);
  if (found && strcmp (found->session, session) != 0)
    found = NULL;
  if (found)
    g_atomic_ref_count_inc (&found->ref_count);
  pthread_mutex_unlock (&replays->lock);
  return found;
}

static void
tell_it_is_forgotten (ColletExchange *exchange, const char *request)
{
  g_autoptr (GError) error = g_error_new_literal (
      COLLET_ERROR, COLLET_ERROR_INTERRUPTED,
      "What this stream brought is not known any more: the daemon was restarted, or it is too long ago. The "
      "call may have run or not: look before you repeat it.");
  GString *json = collet_mcp_error_new_for (request, strlen (request), NULL, error);

  collet_mcp_exchange_send_event (exchange, json->str, json->len);
  g_string_free (json, TRUE);
}

/* With the lock: what came after `number`, then what is to come. Events that were
 * forgotten are progress and the like: the last, the answer, is always kept. */
static void
continue_locked (ColletMcpReplay *replay, guint number, ColletExchange *exchange)
{
  guint at = replay->first;

  for (GList *link = replay->events.head; link; link = link->next, at++)
    {
      gsize size;
      const char *event = g_bytes_get_data (link->data, &size);

      if (at > number)
        exchange->class_->send (exchange, event, size);
    }
  lose_locked (replay);
  if (replay->ended_us != 0)
    exchange->class_->end (exchange);
  else
    replay->exchange = exchange->class_->ref (exchange);
}

gboolean
collet_mcp_replays_resume (ColletMcpReplays *replays, const char *session, const char *last_event_id,
                           ColletExchange *exchange)
{
  const ColletMcpReply reply = { .exchange = exchange };
  EventId id;
  ColletMcpReplay *replay;
  g_autofree char *request = NULL;

  if (!parse_id (last_event_id, &id))
    return FALSE;
  request = id.request;
  replay = find (replays, session, id.key);
  if (!replay && !request)
    return FALSE;
  collet_mcp_reply_start_stream (&reply);
  if (!replay)
    {
      tell_it_is_forgotten (exchange, request);
      exchange->class_->end (exchange);
      return TRUE;
    }
  pthread_mutex_lock (&replay->lock);
  continue_locked (replay, id.number, exchange);
  pthread_mutex_unlock (&replay->lock);
  collet_mcp_replay_unref (replay);
  return TRUE;
}
