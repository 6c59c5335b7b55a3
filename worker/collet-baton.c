/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-baton.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What the holder does. FREE: there is none. */
enum
{
  FREE,
  READING,
  RUNNING,
};
#define STATE 3u
#define ONE_CALL 4u

#define LONG_NS 10000 /* about what it takes to wake a thread */
/* One call that was held up by the system, not by its tool, makes no tool a long one. */
#define LONGEST_NS 60000
#define WEIGHT 8
#define QUIET_TICKS 3 /* without a call; then the next in line sleeps until there is one */

static uint32_t
with_state (uint32_t word, uint32_t state)
{
  return (word & ~STATE) | state;
}

static void
sleep_on (struct collet_baton *baton, uint32_t word, const struct timespec *timeout)
{
  syscall (SYS_futex, &baton->word, FUTEX_WAIT_PRIVATE, word, timeout, NULL, 0);
}

static void
wake_next (struct collet_baton *baton)
{
  syscall (SYS_futex, &baton->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static int64_t
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void
collet_baton_init (struct collet_baton *baton)
{
  memset (baton, 0, sizeof *baton);
  pthread_mutex_init (&baton->line, NULL);
}

/* Waits a tick, or, while nothing is called, until something is. */
static void
wait_in_line (struct collet_baton *baton, uint32_t word, unsigned quiet)
{
  const struct timespec tick = { 0, COLLET_BATON_TICK_US * 1000 };

  if (quiet < QUIET_TICKS)
    {
      sleep_on (baton, word, &tick);
      return;
    }
  /* The holder changes the word first, then looks at this; so it cannot be missed. */
  atomic_store (&baton->is_asleep, true);
  sleep_on (baton, word, NULL);
  atomic_store (&baton->is_asleep, false);
}

void
collet_baton_take (struct collet_baton *baton)
{
  uint32_t seen = 0;
  unsigned quiet = 0;

  pthread_mutex_lock (&baton->line);
  for (;;)
    {
      uint32_t word = atomic_load (&baton->word);
      uint32_t state = word & STATE;

      if ((state == FREE || (state == RUNNING && word == seen)) &&
          atomic_compare_exchange_strong (&baton->word, &word, with_state (word, READING)))
        break;
      quiet = state == READING && word == seen ? quiet + 1 : 0;
      seen = word;
      wait_in_line (baton, word, quiet);
    }
  pthread_mutex_unlock (&baton->line);
}

static uint32_t
number_of (const char *tool, size_t size)
{
  uint32_t hash = 2166136261u;

  for (size_t i = 0; i < size; i++)
    hash = (hash ^ (unsigned char)tool[i]) * 16777619u;
  return (hash ^ hash >> 16) % COLLET_BATON_TOOLS;
}

struct collet_turn
collet_baton_begin (struct collet_baton *baton, const char *tool, size_t tool_size)
{
  struct collet_turn turn = { .tool = number_of (tool, tool_size), .began_ns = now_ns () };
  bool is_long = atomic_load_explicit (&baton->takes_ns[turn.tool], memory_order_relaxed) > LONG_NS;

  turn.word = with_state (atomic_load (&baton->word) + ONE_CALL, is_long ? FREE : RUNNING);
  atomic_store (&baton->word, turn.word);
  if (is_long || atomic_load (&baton->is_asleep))
    wake_next (baton);
  return turn;
}

static void
learn (struct collet_baton *baton, const struct collet_turn *turn)
{
  _Atomic uint32_t *takes = &baton->takes_ns[turn->tool];
  int64_t average = atomic_load_explicit (takes, memory_order_relaxed);
  int64_t took = now_ns () - turn->began_ns;

  if (took > LONGEST_NS)
    took = LONGEST_NS;
  atomic_store_explicit (takes, (uint32_t)(average + (took - average) / WEIGHT), memory_order_relaxed);
}

bool
collet_baton_end (struct collet_baton *baton, const struct collet_turn *turn)
{
  uint32_t word = turn->word;

  learn (baton, turn);
  /* It is ours still, or was passed on and nobody took it yet. */
  return atomic_compare_exchange_strong (&baton->word, &word, with_state (word, READING));
}
