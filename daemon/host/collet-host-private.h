/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-host-private.h: what the generations of one host share. Main thread.
 */
#pragma once

#include "collet-host.h"
#include "collet-io.h"
#include "collet-mailbox.h"

G_BEGIN_DECLS

typedef struct
{
  gint ref_count;
  ColletIo *io;
  ColletMailbox *mailbox;
  ColletSpawn *spawn;
  ColletHostConfig config;
  gboolean closed;
  GHashTable *live;  /* started generations that are not retired yet; owned */
  GHashTable *waits; /* pid -> ExitWait */
  GHashTable *exits; /* pid -> wait status + 1, of those nobody waited for yet */
} ColletHostParts;

ColletHostParts *collet_host_parts_ref (ColletHostParts *parts);
void collet_host_parts_unref (ColletHostParts *parts);

/* A started generation lives until it is retired. */
void collet_host_parts_add_live (ColletHostParts *parts, ColletGeneration *generation);
void collet_host_parts_remove_live (ColletHostParts *parts, ColletGeneration *generation);

typedef struct
{
  /* What its confinement refused it, and how often more. */
  void (*refused) (gpointer user_data, const char *system_call, guint64 times);
  /* What became of it: once, perhaps before expect_exit returns. */
  void (*exited) (gpointer user_data, int wait_status);
} ColletProcessHandler;
void collet_host_parts_expect_exit (ColletHostParts *parts, pid_t pid, const ColletProcessHandler *handler,
                                    gpointer user_data);
void collet_host_parts_forget_exit (ColletHostParts *parts, pid_t pid);

/* The host goes: end what runs, at once. */
void collet_worker_generation_abandon (ColletGeneration *generation);
void collet_inproc_generation_abandon (ColletGeneration *generation);

G_END_DECLS
