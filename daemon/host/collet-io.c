/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-io.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collet-error.h"
#include "collet-wire.h"

#define BUFFER_SIZE (COLLET_WIRE_INLINE + sizeof (struct collet_frame_header) + 1)
#define MAX_EVENTS 64

typedef struct _Post Post;

struct _Post
{
  Post *next;
  void (*func) (gpointer data);
  gpointer data;
};

struct _ColletIo
{
  int epoll_fd;
  int event_fd;
  pthread_t thread;
  pthread_mutex_t lock; /* of the posts */
  Post *first, *last;
  gboolean stopping; /* atomic */
  gboolean stopped;  /* atomic */
  gint64 wake_at;    /* atomic; no timer is due before */
  GPtrArray *timers;
  char *buffer;
};

static gint64
load_time (gint64 *at)
{
  return __atomic_load_n (at, __ATOMIC_SEQ_CST);
}

/* TRUE if `at` was later. */
static gboolean
lower_time (gint64 *at, gint64 to)
{
  gint64 old = load_time (at);

  while (to < old)
    if (__atomic_compare_exchange_n (at, &old, to, FALSE, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return TRUE;
  return FALSE;
}

static void
wake (ColletIo *io)
{
  guint64 one = 1;

  /* It can only fail when the counter is full, and then it wakes anyway. */
  if (write (io->event_fd, &one, sizeof one) < 0)
    g_warn_if_fail (errno == EAGAIN);
}

static void
run_posts (ColletIo *io)
{
  Post *post;

  pthread_mutex_lock (&io->lock);
  post = io->first;
  io->first = io->last = NULL;
  pthread_mutex_unlock (&io->lock);

  while (post != NULL)
    {
      Post *next = post->next;

      post->func (post->data);
      g_free (post);
      post = next;
    }
}

static void
run_timers (ColletIo *io)
{
  gint64 now = g_get_monotonic_time ();

  if (load_time (&io->wake_at) > now)
    return;
  /* First forget the bound, then look: who lowers a timer after we looked at it
   * lowers the bound after that. */
  __atomic_store_n (&io->wake_at, G_MAXINT64, __ATOMIC_SEQ_CST);
  for (guint i = 0; i < io->timers->len; i++)
    {
      ColletIoTimer *timer = g_ptr_array_index (io->timers, i);

      if (load_time (&timer->at) <= now)
        {
          __atomic_store_n (&timer->at, G_MAXINT64, __ATOMIC_SEQ_CST);
          timer->expired (timer->user_data, now);
        }
      lower_time (&io->wake_at, load_time (&timer->at));
    }
}

static int
next_timeout (ColletIo *io)
{
  gint64 at = load_time (&io->wake_at);
  gint64 now;

  if (at == G_MAXINT64)
    return -1;
  now = g_get_monotonic_time ();
  return at <= now ? 0 : (int)MIN ((at - now + 999) / 1000, G_MAXINT);
}

static void
handle_events (ColletIo *io, struct epoll_event *events, int n)
{
  guint64 count;

  for (int i = 0; i < n; i++)
    {
      ColletIoWatch *watch = events[i].data.ptr;

      if (watch != NULL && watch->fd >= 0)
        watch->ready (watch->user_data, events[i].events);
    }
  /* Posts last: they free what was removed above. */
  for (int i = 0; i < n; i++)
    if (events[i].data.ptr == NULL)
      {
        if (read (io->event_fd, &count, sizeof count) < 0)
          g_warn_if_fail (errno == EAGAIN);
        run_posts (io);
      }
}

static void *
run (void *user_data)
{
  ColletIo *io = user_data;
  struct epoll_event events[MAX_EVENTS];

  while (!g_atomic_int_get (&io->stopping))
    {
      int n = epoll_wait (io->epoll_fd, events, MAX_EVENTS, next_timeout (io));

      if (n < 0 && errno != EINTR)
        g_error ("The I/O thread cannot wait for its channels: %s", g_strerror (errno));
      handle_events (io, events, MAX (n, 0));
      run_timers (io);
    }
  return NULL;
}

static gboolean
start_thread (ColletIo *io)
{
  struct epoll_event event = { .events = EPOLLIN };

  if (io->epoll_fd < 0 || io->event_fd < 0 ||
      epoll_ctl (io->epoll_fd, EPOLL_CTL_ADD, io->event_fd, &event) < 0)
    return FALSE;
  errno = pthread_create (&io->thread, NULL, run, io);
  if (errno != 0)
    return FALSE;
  pthread_setname_np (io->thread, "collet-io");
  return TRUE;
}

ColletIo *
collet_io_new (GError **error)
{
  ColletIo *io = g_new0 (ColletIo, 1);

  pthread_mutex_init (&io->lock, NULL);
  io->wake_at = G_MAXINT64;
  io->timers = g_ptr_array_new ();
  io->buffer = g_malloc (BUFFER_SIZE);
  io->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  io->event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (start_thread (io))
    return io;

  g_set_error (error, COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED,
               "The thread that reads the workers could not start: %s.", g_strerror (errno));
  io->stopped = TRUE;
  collet_io_free (io);
  return NULL;
}

void
collet_io_stop (ColletIo *io)
{
  if (g_atomic_int_get (&io->stopped))
    return;
  g_atomic_int_set (&io->stopping, TRUE);
  wake (io);
  pthread_join (io->thread, NULL);
  g_atomic_int_set (&io->stopped, TRUE);
  /* A post may post. */
  while (io->first != NULL)
    run_posts (io);
}

void
collet_io_free (ColletIo *io)
{
  g_assert (io->stopped);
  while (io->first != NULL)
    run_posts (io);
  if (io->epoll_fd >= 0)
    close (io->epoll_fd);
  if (io->event_fd >= 0)
    close (io->event_fd);
  g_ptr_array_unref (io->timers);
  g_free (io->buffer);
  pthread_mutex_destroy (&io->lock);
  g_free (io);
}

void
collet_io_post (ColletIo *io, void (*func) (gpointer data), gpointer data)
{
  Post *post = g_new (Post, 1);
  gboolean was_empty;

  *post = (Post){ .func = func, .data = data };
  pthread_mutex_lock (&io->lock);
  was_empty = io->first == NULL;
  if (was_empty)
    io->first = post;
  else
    io->last->next = post;
  io->last = post;
  pthread_mutex_unlock (&io->lock);
  if (was_empty)
    wake (io);
}

gboolean
collet_io_is_current (ColletIo *io)
{
  return g_atomic_int_get (&io->stopped) || pthread_equal (pthread_self (), io->thread);
}

char *
collet_io_get_buffer (ColletIo *io, gsize *size)
{
  *size = BUFFER_SIZE;
  return io->buffer;
}

gboolean
collet_io_add (ColletIo *io, ColletIoWatch *watch, guint32 events)
{
  struct epoll_event event = { .events = events, .data.ptr = watch };

  g_assert (collet_io_is_current (io));
  return epoll_ctl (io->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

void
collet_io_modify (ColletIo *io, ColletIoWatch *watch, guint32 events)
{
  struct epoll_event event = { .events = events, .data.ptr = watch };

  g_assert (collet_io_is_current (io));
  if (watch->fd >= 0)
    epoll_ctl (io->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void
collet_io_remove (ColletIo *io, ColletIoWatch *watch)
{
  g_assert (collet_io_is_current (io));
  if (watch->fd < 0)
    return;
  epoll_ctl (io->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->fd = -1;
}

void
collet_io_add_timer (ColletIo *io, ColletIoTimer *timer)
{
  g_assert (collet_io_is_current (io));
  timer->index = io->timers->len;
  g_ptr_array_add (io->timers, timer);
  lower_time (&io->wake_at, load_time (&timer->at));
}

void
collet_io_remove_timer (ColletIo *io, ColletIoTimer *timer)
{
  ColletIoTimer *moved;

  g_assert (collet_io_is_current (io));
  g_assert (g_ptr_array_index (io->timers, timer->index) == timer);
  g_ptr_array_remove_index_fast (io->timers, timer->index);
  if (timer->index == io->timers->len)
    return;
  moved = g_ptr_array_index (io->timers, timer->index);
  moved->index = timer->index;
}

void
collet_io_advance_timer (ColletIo *io, ColletIoTimer *timer, gint64 at)
{
  if (lower_time (&timer->at, at) && lower_time (&io->wake_at, at))
    wake (io);
}
