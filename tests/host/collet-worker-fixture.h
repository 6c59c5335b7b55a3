/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-worker-fixture.h: a host with the real collet-worker and one slot.
 */
#pragma once

#include "collet-slot.h"
#include "collet-test-calls.h"

G_BEGIN_DECLS

typedef struct
{
  ColletSpawn *spawn;
  ColletHost *host;
  ColletSlot *slot;
  ColletHostConfig config;
} WorkerFixture;

/* Before the first generation is made, `config` may be changed. */
void worker_fixture_set_up (WorkerFixture *fixture, gconstpointer data);
/* Workers run as `user`. */
void worker_fixture_set_up_as (WorkerFixture *fixture, const ColletWorkerUser *user);
ColletGeneration *
worker_fixture_make (WorkerFixture *fixture, guint64 number, const char *file, const char *members);
ColletGeneration *
worker_fixture_publish (WorkerFixture *fixture, guint64 number, const char *file, const char *members);
void worker_fixture_retire (WorkerFixture *fixture, ColletGeneration *generation);
void worker_fixture_tear_down (WorkerFixture *fixture, gconstpointer data);
TestCall *
worker_fixture_run (WorkerFixture *fixture, const char *tool, const char *arguments, guint deadline_ms);
void worker_fixture_dispatch (WorkerFixture *fixture, TestCall *call);
gboolean test_has_no_leases (gpointer data);

G_END_DECLS
