/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-ledger.h: which calls run in this worker, and which were cancelled
 * before they came. Thread-safe.
 */
#ifndef COLLET_LEDGER_H
#define COLLET_LEDGER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define COLLET_LEDGER_MAX 256 /* executors */
#define COLLET_LEDGER_EARLY                                                                                  \
  1024 /* cancellations kept for calls to come; the                                                          \
          oldest is forgotten first */

struct collet_ledger_slot
{
  uint64_t id;
  bool is_busy;
  atomic_bool cancelled;
};

struct collet_ledger
{
  pthread_mutex_t lock;
  pthread_cond_t idle;
  struct collet_ledger_slot slots[COLLET_LEDGER_MAX];
  unsigned n_running;
  bool is_closed;
  uint64_t early[COLLET_LEDGER_EARLY];
  unsigned n_early, next_early;
};

void collet_ledger_init (struct collet_ledger *ledger);

/* Executor `slot` begins the call; false if no call may run any more. The slot's
 * `cancelled` is then this call's. */
bool collet_ledger_begin (struct collet_ledger *ledger, unsigned slot, uint64_t id);
void collet_ledger_end (struct collet_ledger *ledger, unsigned slot);
void collet_ledger_cancel (struct collet_ledger *ledger, uint64_t id);

unsigned collet_ledger_count_running (struct collet_ledger *ledger);
/* From now on no call begins. Waits until none runs, at most `timeout_ms`; returns
 * how many still run. */
unsigned collet_ledger_close (struct collet_ledger *ledger, unsigned timeout_ms);

#endif /* COLLET_LEDGER_H */
