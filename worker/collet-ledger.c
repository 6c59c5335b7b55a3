/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-ledger.h"

#include <string.h>
#include <time.h>

void
collet_ledger_init (struct collet_ledger *ledger)
{
  pthread_condattr_t attributes;

  memset (ledger, 0, sizeof *ledger);
  pthread_mutex_init (&ledger->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&ledger->idle, &attributes);
  pthread_condattr_destroy (&attributes);
}

/* Takes an early cancellation out; the last one fills its place, so the order in
 * which they are forgotten is only roughly that in which they came. */
static bool
take_early (struct collet_ledger *ledger, uint64_t id)
{
  for (unsigned i = 0; i < ledger->n_early; i++)
    if (ledger->early[i] == id)
      {
        ledger->early[i] = ledger->early[--ledger->n_early];
        ledger->next_early = ledger->n_early;
        return true;
      }
  return false;
}

bool
collet_ledger_begin (struct collet_ledger *ledger, unsigned slot, uint64_t id)
{
  struct collet_ledger_slot *entry = &ledger->slots[slot];
  bool may_run;

  pthread_mutex_lock (&ledger->lock);
  may_run = !ledger->is_closed;
  if (may_run)
    {
      entry->id = id;
      entry->is_busy = true;
      atomic_store_explicit (&entry->cancelled, take_early (ledger, id), memory_order_relaxed);
      ledger->n_running++;
    }
  pthread_mutex_unlock (&ledger->lock);
  return may_run;
}

void
collet_ledger_end (struct collet_ledger *ledger, unsigned slot)
{
  pthread_mutex_lock (&ledger->lock);
  ledger->slots[slot].is_busy = false;
  if (--ledger->n_running == 0 && ledger->is_closed)
    pthread_cond_broadcast (&ledger->idle);
  pthread_mutex_unlock (&ledger->lock);
}

static bool
cancel_running (struct collet_ledger *ledger, uint64_t id)
{
  for (unsigned i = 0; i < COLLET_LEDGER_MAX; i++)
    if (ledger->slots[i].is_busy && ledger->slots[i].id == id)
      {
        atomic_store_explicit (&ledger->slots[i].cancelled, true, memory_order_relaxed);
        return true;
      }
  return false;
}

void
collet_ledger_cancel (struct collet_ledger *ledger, uint64_t id)
{
  pthread_mutex_lock (&ledger->lock);
  if (!cancel_running (ledger, id))
    {
      ledger->early[ledger->next_early] = id;
      ledger->next_early = (ledger->next_early + 1) % COLLET_LEDGER_EARLY;
      if (ledger->n_early < COLLET_LEDGER_EARLY)
        ledger->n_early++;
    }
  pthread_mutex_unlock (&ledger->lock);
}

unsigned
collet_ledger_count_running (struct collet_ledger *ledger)
{
  unsigned n;

  pthread_mutex_lock (&ledger->lock);
  n = ledger->n_running;
  pthread_mutex_unlock (&ledger->lock);
  return n;
}

unsigned
collet_ledger_close (struct collet_ledger *ledger, unsigned timeout_ms)
{
  struct timespec until;
  unsigned n;
  int result = 0;

  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000)
    {
      until.tv_sec++;
      until.tv_nsec -= 1000000000;
    }
  pthread_mutex_lock (&ledger->lock);
  ledger->is_closed = true;
  while (ledger->n_running > 0 && result == 0)
    result = pthread_cond_timedwait (&ledger->idle, &ledger->lock, &until);
  n = ledger->n_running;
  pthread_mutex_unlock (&ledger->lock);
  return n;
}
