/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-http-loop.h"

#include "collet-error.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BATCH 64

typedef struct _Grave Grave;
struct _Grave
{
  Grave *next;
  gpointer data;
  GDestroyNotify destroy;
};

struct _ColletHttpLoop
{
  int epoll_fd;
  int wake_fd;
  gint stopping; /* atomic */
  GThread *thread;
  pthread_mutex_t lock; /* graves */
  Grave *graves;
  void (*on_tick) (gpointer user_data, gint64 now_us);
  gpointer user_data;
};

static void
bury_all (ColletHttpLoop *loop)
{
  Grave *grave;

  pthread_mutex_lock (&loop->lock);
  grave = loop->graves;
  loop->graves = NULL;
  pthread_mutex_unlock (&loop->lock);

  while (grave)
    {
      Grave *next = grave->next;
      grave->destroy (grave->data);
      g_free (grave);
      grave = next;
    }
}

static void
deliver (ColletHttpLoop *loop, const struct epoll_event *events, int n_events)
{
  for (int i = 0; i < n_events; i++)
    {
      ColletHttpSource *source = events[i].data.ptr;
      guint64 count;

      if (source)
        source->on_event (source, events[i].events);
      else if (read (loop->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        g_warning ("http: cannot read the wake-up descriptor: %s", g_strerror (errno));
    }
}

static gpointer
run (gpointer data)
{
  ColletHttpLoop *loop = data;
  struct epoll_event events[BATCH];
  gint64 next_tick = g_get_monotonic_time () + COLLET_HTTP_TICK_MS * 1000;

  while (!g_atomic_int_get (&loop->stopping))
    {
      gint64 now = g_get_monotonic_time ();
      int n_events;

      if (now >= next_tick)
        {
          loop->on_tick (loop->user_data, now);
          next_tick = now + COLLET_HTTP_TICK_MS * 1000;
        }
      /* No event fetched earlier is pending here, so the graves may go. */
      bury_all (loop);
      n_events = epoll_wait (loop->epoll_fd, events, BATCH, (int)MAX (0, (next_tick - now + 999) / 1000));
      if (n_events < 0 && errno != EINTR)
        g_error ("http: epoll_wait: %s", g_strerror (errno));
      deliver (loop, events, n_events);
    }
  return NULL;
}

ColletHttpLoop *
collet_http_loop_new (void (*on_tick) (gpointer user_data, gint64 now_us), gpointer user_data, GError **error)
{
  ColletHttpLoop *loop = g_new0 (ColletHttpLoop, 1);
  struct epoll_event event = { .events = EPOLLIN };

  pthread_mutex_init (&loop->lock, NULL);
  loop->on_tick = on_tick;
  loop->user_data = user_data;
  loop->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  loop->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
      epoll_ctl (loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) != 0)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_FAILED,
                   "Cannot watch sockets (%s). Raise the limit on open files.", g_strerror (errno));
      collet_http_loop_free (loop);
      return NULL;
    }
  loop->thread = g_thread_new ("http-loop", run, loop);
  return loop;
}

static void
wake (ColletHttpLoop *loop)
{
  guint64 one = 1;

  /* EAGAIN: it is awake already. */
  if (write (loop->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
    g_warning ("http: cannot wake the loop: %s", g_strerror (errno));
}

void
collet_http_loop_free (ColletHttpLoop *loop)
{
  if (loop->thread)
    {
      g_atomic_int_set (&loop->stopping, 1);
      wake (loop);
      g_thread_join (loop->thread);
    }
  bury_all (loop);
  if (loop->epoll_fd >= 0)
    close (loop->epoll_fd);
  if (loop->wake_fd >= 0)
    close (loop->wake_fd);
  pthread_mutex_destroy (&loop->lock);
  g_free (loop);
}

gboolean
collet_http_loop_add (ColletHttpLoop *loop, ColletHttpSource *source, guint32 events)
{
  struct epoll_event event = { .events = events, .data.ptr = source };

  return epoll_ctl (loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

void
collet_http_loop_change (ColletHttpLoop *loop, ColletHttpSource *source, guint32 events)
{
  struct epoll_event event = { .events = events, .data.ptr = source };

  if (epoll_ctl (loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) != 0)
    g_warning ("http: cannot change a watched socket: %s", g_strerror (errno));
}

void
collet_http_loop_remove (ColletHttpLoop *loop, ColletHttpSource *source)
{
  if (epoll_ctl (loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL) != 0)
    g_warning ("http: cannot forget a watched socket: %s", g_strerror (errno));
}

void
collet_http_loop_bury (ColletHttpLoop *loop, gpointer data, GDestroyNotify destroy)
{
  Grave *grave = g_new (Grave, 1);

  *grave = (Grave){ .data = data, .destroy = destroy };
  pthread_mutex_lock (&loop->lock);
  grave->next = loop->graves;
  loop->graves = grave;
  pthread_mutex_unlock (&loop->lock);
  /* The next tick is soon enough; nobody waits for memory. */
}
