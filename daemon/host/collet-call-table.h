/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-call-table.h: the calls of one generation that are not over, found by
 * id: the place's number and how often the place was used, so that a late,
 * repeated or invented id finds nothing. Pure; the owner locks.
 *
 * Each entry is in one of two lists, both in order: queued (no worker has it) or
 * sent. An entry whose `call` is NULL was ended towards its asker, but may still
 * be running in the worker.
 */
#pragma once

#include "collet-call.h"

G_BEGIN_DECLS

typedef enum
{
  COLLET_CALL_FREE,
  COLLET_CALL_QUEUED,
  COLLET_CALL_SENT,
} ColletCallList;

typedef struct
{
  ColletCall *call;
  gint64 deadline_us;
  gint64 told_us; /* when it was told to end (deadline, cancel); 0: it was not */
  gint64 came_us;
  gint64 sent_us;
  guint32 sequence;
  guint32 prev, next; /* places, or COLLET_CALL_NOWHERE */
  ColletCallList list;
  gboolean cancelled; /* by its asker */
  gboolean notified;  /* the worker was told to end it */
} ColletCallEntry;

#define COLLET_CALL_NOWHERE G_MAXUINT32

typedef struct
{
  guint32 first, last, length;
} ColletCallOrder;

typedef struct
{
  ColletCallEntry *entries;
  guint32 size, max;
  guint32 free_first;
  ColletCallOrder orders[3];
} ColletCallTable;

void collet_call_table_init (ColletCallTable *table, guint max);
void collet_call_table_clear (ColletCallTable *table);

/* 0: full. Never 0 otherwise. */
guint64 collet_call_table_add (ColletCallTable *table, ColletCall *call, ColletCallList list);
/* NULL: there is none, or no longer. Valid until the next add. */
ColletCallEntry *collet_call_table_find (ColletCallTable *table, guint64 id);
guint64 collet_call_table_get_id (ColletCallTable *table, const ColletCallEntry *entry);
/* To the end of that list; the time in between does not count as sent. */
void collet_call_table_move (ColletCallTable *table, ColletCallEntry *entry, ColletCallList list);
void collet_call_table_remove (ColletCallTable *table, ColletCallEntry *entry);

ColletCallEntry *collet_call_table_first (ColletCallTable *table, ColletCallList list);
ColletCallEntry *collet_call_table_next (ColletCallTable *table, const ColletCallEntry *entry);
guint collet_call_table_get_length (ColletCallTable *table, ColletCallList list);

G_END_DECLS
