/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-http-wheel.h"

#include <pthread.h>

struct _ColletHttpWheel
{
  pthread_mutex_t lock;
  GQueue *slots; /* n_slots */
  guint n_slots;
  guint at;   /* slot whose turn is next */
  guint fill; /* slot that gets the next stream */
  guint length;
  guint max;
};

ColletHttpWheel *
collet_http_wheel_new (guint period_ms, guint max_streams)
{
  ColletHttpWheel *wheel = g_new0 (ColletHttpWheel, 1);

  pthread_mutex_init (&wheel->lock, NULL);
  wheel->n_slots = MAX (1, period_ms / COLLET_HTTP_TICK_MS);
  wheel->slots = g_new0 (GQueue, wheel->n_slots);
  wheel->max = max_streams;
  return wheel;
}

void
collet_http_wheel_free (ColletHttpWheel *wheel)
{
  g_assert (wheel->length == 0);
  pthread_mutex_destroy (&wheel->lock);
  g_free (wheel->slots);
  g_free (wheel);
}

gboolean
collet_http_wheel_add (ColletHttpWheel *wheel, ColletHttpSpoke *spoke, ColletHttpStream *stream)
{
  gboolean fits;

  pthread_mutex_lock (&wheel->lock);
  fits = wheel->length < wheel->max;
  if (fits)
    {
      spoke->link.data = stream;
      spoke->slot = wheel->fill;
      g_queue_push_tail_link (&wheel->slots[spoke->slot], &spoke->link);
      wheel->fill = (wheel->fill + 1) % wheel->n_slots;
      wheel->length++;
    }
  pthread_mutex_unlock (&wheel->lock);
  return fits;
}

void
collet_http_wheel_remove (ColletHttpWheel *wheel, ColletHttpSpoke *spoke)
{
  pthread_mutex_lock (&wheel->lock);
  g_queue_unlink (&wheel->slots[spoke->slot], &spoke->link);
  wheel->length--;
  pthread_mutex_unlock (&wheel->lock);
}

guint
collet_http_wheel_get_length (ColletHttpWheel *wheel)
{
  guint length;

  pthread_mutex_lock (&wheel->lock);
  length = wheel->length;
  pthread_mutex_unlock (&wheel->lock);
  return length;
}

void
collet_http_wheel_turn (ColletHttpWheel *wheel)
{
  pthread_mutex_lock (&wheel->lock);
  for (GList *link = wheel->slots[wheel->at].head; link; link = link->next)
    collet_http_stream_keep_alive (link->data);
  wheel->at = (wheel->at + 1) % wheel->n_slots;
  pthread_mutex_unlock (&wheel->lock);
}

void
collet_http_wheel_for_all (ColletHttpWheel *wheel, void (*act) (ColletHttpStream *stream))
{
  pthread_mutex_lock (&wheel->lock);
  for (guint i = 0; i < wheel->n_slots; i++)
    for (GList *link = wheel->slots[i].head; link; link = link->next)
      act (link->data);
  pthread_mutex_unlock (&wheel->lock);
}
