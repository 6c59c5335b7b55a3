/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-quick-promise.h"

#include <sys/resource.h>

/* What the kernel says of a thread. To ask is dearer than a quick call, so it is not
 * asked before each: what it said within the last millisecond will do. */
typedef struct
{
  gint64 asked_us; /* 0: never */
  gint64 processor_us;
  long preempted;
} Account;

static _Thread_local Account account;
static atomic_uint n_broken;

static Account
ask_kernel (gint64 now_us)
{
  struct rusage usage = { 0 };

  getrusage (RUSAGE_THREAD, &usage);
  return (Account){
    .asked_us = now_us,
    .processor_us = ((gint64)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC +
                    usage.ru_utime.tv_usec + usage.ru_stime.tv_usec,
    .preempted = usage.ru_nivcsw,
  };
}

/* A call that took long by the clock: did it compute or wait that long, or was the
 * processor taken from it? */
static gboolean
is_its_own_doing (gint64 began_us, gint64 now_us)
{
  const Account before = account;
  gint64 of_others_us = began_us - before.asked_us;

  account = ask_kernel (now_us);
  return account.preempted == before.preempted ||
         account.processor_us - before.processor_us > of_others_us + COLLET_QUICK_US;
}

void
collet_quick_promise_init (ColletQuickPromise *promise, gboolean is_made)
{
  atomic_init (&promise->state, is_made ? COLLET_PROMISE_KEPT : COLLET_PROMISE_NONE);
  atomic_init (&promise->calls, 0);
  pthread_mutex_init (&promise->lock, NULL);
}

void
collet_quick_promise_clear (ColletQuickPromise *promise)
{
  pthread_mutex_destroy (&promise->lock);
}

ColletPromiseState
collet_quick_promise_get_state (ColletQuickPromise *promise)
{
  return (ColletPromiseState)atomic_load_explicit (&promise->state, memory_order_relaxed);
}

void
collet_quick_promise_begin (ColletQuickPromise *promise, gint64 now_us)
{
  if (collet_quick_promise_get_state (promise) != COLLET_PROMISE_KEPT)
    return;
  atomic_fetch_add_explicit (&promise->calls, 1, memory_order_relaxed);
  if (account.asked_us == 0 || now_us - account.asked_us > COLLET_QUICK_US)
    account = ask_kernel (now_us);
}

/* TRUE: it is one too many. */
static gboolean
add_strike (ColletQuickPromise *promise)
{
  guint64 number = atomic_load_explicit (&promise->calls, memory_order_relaxed);
  gboolean is_last;

  pthread_mutex_lock (&promise->lock);
  for (guint i = 1; i < COLLET_QUICK_STRIKES; i++)
    promise->strikes[i - 1] = promise->strikes[i];
  promise->strikes[COLLET_QUICK_STRIKES - 1] = number;
  is_last = promise->strikes[0] > 0 && number - promise->strikes[0] < COLLET_QUICK_WINDOW;
  pthread_mutex_unlock (&promise->lock);
  return is_last;
}

const char *
collet_quick_promise_end (ColletQuickPromise *promise, gint64 began_us, gint64 now_us)
{
  const char *why = NULL;

  if (now_us - began_us <= COLLET_QUICK_US ||
      collet_quick_promise_get_state (promise) != COLLET_PROMISE_KEPT || account.asked_us == 0)
    return NULL;
  /* No other thread keeps the processor for so long. */
  if (now_us - began_us > COLLET_QUICK_LONG_US)
    why = "a call took more than half a second";
  else if (is_its_own_doing (began_us, now_us) && add_strike (promise))
    why = "3 of 1,000 calls took more than 1 ms";
  if (why == NULL)
    return NULL;
  return collet_quick_promise_break (promise) ? why : NULL;
}

gboolean
collet_quick_promise_break (ColletQuickPromise *promise)
{
  int kept = COLLET_PROMISE_KEPT;

  if (!atomic_compare_exchange_strong (&promise->state, &kept, COLLET_PROMISE_BROKEN))
    return FALSE;
  atomic_fetch_add (&n_broken, 1);
  return TRUE;
}

guint
collet_quick_promise_count_broken (void)
{
  return atomic_load (&n_broken);
}
