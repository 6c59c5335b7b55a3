/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-exchange.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define WAIT_S 10

struct _FakeExchange
{
  ColletExchange base;
  gatomicrefcount ref_count;
  char *method, *path, *body;
  gsize size;
  GHashTable *headers, *answer_headers;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  guint status;
  gboolean is_answered, is_stream, is_ended, is_lost;
  GString *text;
};

static GHashTable *
table_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
put (GHashTable *table, const char *name, const char *value)
{
  g_hash_table_insert (table, g_ascii_strdown (name, -1), g_strdup (value));
}

static const char *
look_up (GHashTable *table, const char *name)
{
  g_autofree char *key = g_ascii_strdown (name, -1);

  return g_hash_table_lookup (table, key);
}

static ColletExchange *
ref (ColletExchange *base)
{
  g_atomic_ref_count_inc (&((FakeExchange *)base)->ref_count);
  return base;
}

static void
unref (ColletExchange *base)
{
  fake_exchange_unref ((FakeExchange *)base);
}

void
fake_exchange_unref (FakeExchange *fake)
{
  if (!g_atomic_ref_count_dec (&fake->ref_count))
    return;
  if (fake->base.handler_data_free)
    fake->base.handler_data_free (fake->base.handler_data);
  g_free (fake->method);
  g_free (fake->path);
  g_free (fake->body);
  g_hash_table_unref (fake->headers);
  g_hash_table_unref (fake->answer_headers);
  g_string_free (fake->text, TRUE);
  pthread_mutex_destroy (&fake->lock);
  pthread_cond_destroy (&fake->changed);
  g_free (fake);
}

static const char *
get_method (ColletExchange *base)
{
  return ((FakeExchange *)base)->method;
}

static const char *
get_path (ColletExchange *base)
{
  return ((FakeExchange *)base)->path;
}

static const char *
get_header (ColletExchange *base, const char *name)
{
  return look_up (((FakeExchange *)base)->headers, name);
}

static const char *
get_body (ColletExchange *base, gsize *size)
{
  *size = ((FakeExchange *)base)->size;
  return ((FakeExchange *)base)->body;
}

static gint64
get_peer_uid (ColletExchange *base)
{
  return -1;
}

static const char *
get_peer_address (ColletExchange *base)
{
  return "127.0.0.1";
}

static gboolean
answer_locked (FakeExchange *fake, guint status, const ColletHttpHeader *headers, guint n_headers)
{
  if (fake->is_answered)
    return FALSE;
  fake->is_answered = TRUE;
  fake->status = status;
  for (guint i = 0; i < n_headers; i++)
    put (fake->answer_headers, headers[i].name, headers[i].value);
  pthread_cond_broadcast (&fake->changed);
  return TRUE;
}

static void
respond (ColletExchange *base, guint status, const ColletHttpHeader *headers, guint n_headers, char *body,
         gsize size)
{
  FakeExchange *fake = (FakeExchange *)base;

  pthread_mutex_lock (&fake->lock);
  g_assert_true (fake->is_lost || !fake->is_answered); /* exactly once */
  if (answer_locked (fake, status, headers, n_headers))
    {
      fake->is_ended = TRUE;
      g_string_append_len (fake->text, body ? body : "", (gssize)size);
    }
  pthread_mutex_unlock (&fake->lock);
  g_free (body);
}

static void
start_stream (ColletExchange *base, guint status, const ColletHttpHeader *headers, guint n_headers)
{
  FakeExchange *fake = (FakeExchange *)base;

  pthread_mutex_lock (&fake->lock);
  g_assert_true (fake->is_lost || !fake->is_answered);
  fake->is_stream = answer_locked (fake, status, headers, n_headers);
  pthread_mutex_unlock (&fake->lock);
}

static gboolean
send_event (ColletExchange *base, const char *data, gsize size)
{
  FakeExchange *fake = (FakeExchange *)base;
  gboolean is_open;

  pthread_mutex_lock (&fake->lock);
  is_open = fake->is_stream && !fake->is_ended && !fake->is_lost;
  if (is_open)
    g_string_append_len (fake->text, data, (gssize)size);
  pthread_cond_broadcast (&fake->changed);
  pthread_mutex_unlock (&fake->lock);
  return is_open;
}

static void
end_stream (ColletExchange *base)
{
  FakeExchange *fake = (FakeExchange *)base;

  pthread_mutex_lock (&fake->lock);
  fake->is_ended = TRUE;
  pthread_cond_broadcast (&fake->changed);
  pthread_mutex_unlock (&fake->lock);
}

static const ColletExchangeClass fake_class = { ref,        unref,        get_method,   get_path,
                                                get_header, get_body,     get_peer_uid, get_peer_address,
                                                respond,    start_stream, send_event,   end_stream };

FakeExchange *
fake_exchange_new (const char *method, const char *path, const char *headers, const char *body, gssize size)
{
  FakeExchange *fake = g_new0 (FakeExchange, 1);
  g_auto (GStrv) lines = g_strsplit (headers ? headers : "", "\n", -1);

  fake->base.class_ = &fake_class;
  g_atomic_ref_count_init (&fake->ref_count);
  pthread_mutex_init (&fake->lock, NULL);
  pthread_cond_init (&fake->changed, NULL);
  fake->method = g_strdup (method);
  fake->path = g_strdup (path);
  fake->size = size < 0 ? strlen (body ? body : "") : (gsize)size;
  /* Exactly as long as it is, so that a reader past the end is caught. */
  fake->body = g_malloc (MAX (fake->size, 1));
  memcpy (fake->body, body ? body : "", fake->size);
  fake->headers = table_new ();
  fake->answer_headers = table_new ();
  fake->text = g_string_new (NULL);
  for (guint i = 0; lines[i] && lines[i][0]; i++)
    {
      char *colon = strstr (lines[i], ": ");

      g_assert_nonnull (colon);
      *colon = '\0';
      put (fake->headers, lines[i], colon + 2);
    }
  return fake;
}

void
fake_exchange_run (FakeExchange *fake, const ColletExchangeHandler *handler, gpointer user_data)
{
  handler->begin (&fake->base, user_data);
  if (!fake_exchange_is_answered (fake))
    handler->complete (&fake->base, user_data);
}

void
fake_exchange_lose (FakeExchange *fake, const ColletExchangeHandler *handler, gpointer user_data)
{
  gboolean tell;

  pthread_mutex_lock (&fake->lock);
  tell = !fake->is_ended && !fake->is_lost;
  fake->is_lost = TRUE;
  pthread_mutex_unlock (&fake->lock);
  if (tell)
    handler->closed (&fake->base, user_data);
}

static void
deadline (struct timespec *until)
{
  clock_gettime (CLOCK_REALTIME, until);
  until->tv_sec += WAIT_S;
}

void
fake_exchange_wait (FakeExchange *fake)
{
  struct timespec until;
  int result = 0;

  deadline (&until);
  pthread_mutex_lock (&fake->lock);
  while (!fake->is_ended && result == 0)
    result = pthread_cond_timedwait (&fake->changed, &fake->lock, &until);
  pthread_mutex_unlock (&fake->lock);
  g_assert_cmpint (result, ==, 0);
}

gboolean
fake_exchange_wait_for (FakeExchange *fake, const char *text)
{
  struct timespec until;
  int result = 0;
  gboolean found;

  deadline (&until);
  pthread_mutex_lock (&fake->lock);
  while (!(found = strstr (fake->text->str, text) != NULL) && result == 0)
    result = pthread_cond_timedwait (&fake->changed, &fake->lock, &until);
  pthread_mutex_unlock (&fake->lock);
  return found;
}

static gboolean
read_flag (FakeExchange *fake, const gboolean *flag)
{
  gboolean value;

  pthread_mutex_lock (&fake->lock);
  value = *flag;
  pthread_mutex_unlock (&fake->lock);
  return value;
}

gboolean
fake_exchange_is_answered (FakeExchange *fake)
{
  return read_flag (fake, &fake->is_answered);
}

gboolean
fake_exchange_is_stream (FakeExchange *fake)
{
  return read_flag (fake, &fake->is_stream);
}

gboolean
fake_exchange_is_ended (FakeExchange *fake)
{
  return read_flag (fake, &fake->is_ended);
}

guint
fake_exchange_get_status (FakeExchange *fake)
{
  guint status;

  pthread_mutex_lock (&fake->lock);
  status = fake->status;
  pthread_mutex_unlock (&fake->lock);
  return status;
}

const char *
fake_exchange_get_answer_header (FakeExchange *fake, const char *name)
{
  const char *value;

  pthread_mutex_lock (&fake->lock);
  value = look_up (fake->answer_headers, name);
  pthread_mutex_unlock (&fake->lock);
  return value ? value : "";
}

char *
fake_exchange_dup_text (FakeExchange *fake)
{
  char *text;

  pthread_mutex_lock (&fake->lock);
  text = g_strdup (fake->text->str);
  pthread_mutex_unlock (&fake->lock);
  return text;
}
