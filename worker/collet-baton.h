/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-baton.h: which executor reads the call channel.
 *
 * If all of them waited on the channel, each call would wake one, although the one
 * that is awake already would have taken it a moment later; and waking a thread
 * takes longer than most calls do. So one has the baton: it reads a call, runs it,
 * and reads the next. It passes the baton on before it runs a tool that is known to
 * take long. If a call takes long unexpectedly, the next in line takes the baton
 * from it within two ticks.
 */
#ifndef COLLET_BATON_H
#define COLLET_BATON_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COLLET_BATON_TICK_US 1000
#define COLLET_BATON_TOOLS 64 /* two whose names fall together share what is known of them */

struct collet_baton
{
  _Atomic uint32_t word; /* calls begun, and in the lowest two bits what its holder does */
  atomic_bool is_asleep; /* the next in line, without a clock */
  pthread_mutex_t line;  /* whoever has it is next */
  _Atomic uint32_t takes_ns[COLLET_BATON_TOOLS]; /* what a call takes, on average */
};

/* A call that runs. */
struct collet_turn
{
  uint32_t word;
  uint32_t tool;
  int64_t began_ns;
};

void collet_baton_init (struct collet_baton *baton);
/* Waits until the caller has it. */
void collet_baton_take (struct collet_baton *baton);
/* The holder begins a call; from now on another may have the baton. */
struct collet_turn collet_baton_begin (struct collet_baton *baton, const char *tool, size_t tool_size);
/* The call is over. True: the caller has the baton still. */
bool collet_baton_end (struct collet_baton *baton, const struct collet_turn *turn);

#endif /* COLLET_BATON_H */
