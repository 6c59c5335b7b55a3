/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-quick-promise.h: what a module's "quick" is worth. It is kept until a call
 * shows otherwise, and what was broken stays broken. Thread-safe but for init and
 * clear.
 */
#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

G_BEGIN_DECLS

/* A call may take so much of the time of the thread that it runs on. */
#define COLLET_QUICK_US 1000
/* So many of so many calls that took more break the promise; one alone may be the
 * machine's doing. */
#define COLLET_QUICK_STRIKES 3
#define COLLET_QUICK_WINDOW 1000
/* One that took so long, or has not come back for so long, breaks it by itself. */
#define COLLET_QUICK_LONG_US 500000

typedef enum
{
  COLLET_PROMISE_NONE, /* not made, or it means nothing here */
  COLLET_PROMISE_KEPT,
  COLLET_PROMISE_BROKEN,
} ColletPromiseState;

typedef struct
{
  atomic_int state; /* ColletPromiseState */
  atomic_ullong calls;
  pthread_mutex_t lock;
  guint64 strikes[COLLET_QUICK_STRIKES]; /* the number of the call; the oldest first; 0: none */
} ColletQuickPromise;

void collet_quick_promise_init (ColletQuickPromise *promise, gboolean is_made);
void collet_quick_promise_clear (ColletQuickPromise *promise);
ColletPromiseState collet_quick_promise_get_state (ColletQuickPromise *promise);

/* Before and after a call, on its thread; monotonic. NULL: nothing is wrong;
 * otherwise what broke the promise just now. */
void collet_quick_promise_begin (ColletQuickPromise *promise, gint64 now_us);
const char *collet_quick_promise_end (ColletQuickPromise *promise, gint64 began_us, gint64 now_us);
/* TRUE: it was kept until now. */
gboolean collet_quick_promise_break (ColletQuickPromise *promise);

/* How many were broken since the process began. */
guint collet_quick_promise_count_broken (void);

G_END_DECLS
