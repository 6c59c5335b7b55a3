/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-call-table.h"

#define FIRST_SIZE 32

void
collet_call_table_init (ColletCallTable *table, guint max)
{
  *table = (ColletCallTable){ .max = max, .free_first = COLLET_CALL_NOWHERE };
  for (guint i = 0; i < G_N_ELEMENTS (table->orders); i++)
    table->orders[i] = (ColletCallOrder){ COLLET_CALL_NOWHERE, COLLET_CALL_NOWHERE, 0 };
}

void
collet_call_table_clear (ColletCallTable *table)
{
  g_clear_pointer (&table->entries, g_free);
  table->size = 0;
}

static guint32
place_of (const ColletCallTable *table, const ColletCallEntry *entry)
{
  return (guint32)(entry - table->entries);
}

static gboolean
grow (ColletCallTable *table)
{
  guint32 size = MIN (MAX (table->size * 2, FIRST_SIZE), table->max);

  if (size <= table->size)
    return FALSE;
  table->entries = g_renew (ColletCallEntry, table->entries, size);
  for (guint32 i = size; i-- > table->size;)
    {
      table->entries[i] = (ColletCallEntry){ .next = table->free_first };
      table->free_first = i;
    }
  table->size = size;
  return TRUE;
}

static void
append (ColletCallTable *table, ColletCallEntry *entry, ColletCallList list)
{
  ColletCallOrder *order = &table->orders[list];
  guint32 place = place_of (table, entry);

  entry->list = list;
  entry->next = COLLET_CALL_NOWHERE;
  entry->prev = order->last;
  if (order->last != COLLET_CALL_NOWHERE)
    table->entries[order->last].next = place;
  else
    order->first = place;
  order->last = place;
  order->length++;
}

static void
take_out (ColletCallTable *table, ColletCallEntry *entry)
{
  ColletCallOrder *order = &table->orders[entry->list];

  if (entry->prev != COLLET_CALL_NOWHERE)
    table->entries[entry->prev].next = entry->next;
  else
    order->first = entry->next;
  if (entry->next != COLLET_CALL_NOWHERE)
    table->entries[entry->next].prev = entry->prev;
  else
    order->last = entry->prev;
  order->length--;
}

guint64
collet_call_table_add (ColletCallTable *table, ColletCall *call, ColletCallList list)
{
  ColletCallEntry *entry;

  if (table->free_first == COLLET_CALL_NOWHERE && !grow (table))
    return 0;
  entry = &table->entries[table->free_first];
  table->free_first = entry->next;
  *entry =
      (ColletCallEntry){ .call = call, .deadline_us = call->deadline_us, .sequence = entry->sequence + 1 };
  append (table, entry, list);
  return collet_call_table_get_id (table, entry);
}

guint64
collet_call_table_get_id (ColletCallTable *table, const ColletCallEntry *entry)
{
  return ((guint64)entry->sequence << 32) | ((guint64)place_of (table, entry) + 1);
}

ColletCallEntry *
collet_call_table_find (ColletCallTable *table, guint64 id)
{
  guint32 number = (guint32)id;
  ColletCallEntry *entry;

  if (number == 0 || number > table->size)
    return NULL;
  entry = &table->entries[number - 1];
  return entry->list != COLLET_CALL_FREE && entry->sequence == (guint32)(id >> 32) ? entry : NULL;
}

void
collet_call_table_move (ColletCallTable *table, ColletCallEntry *entry, ColletCallList list)
{
  take_out (table, entry);
  append (table, entry, list);
}

void
collet_call_table_remove (ColletCallTable *table, ColletCallEntry *entry)
{
  take_out (table, entry);
  entry->list = COLLET_CALL_FREE;
  entry->call = NULL;
  entry->next = table->free_first;
  table->free_first = place_of (table, entry);
}

static ColletCallEntry *
at_place (ColletCallTable *table, guint32 place)
{
  return place == COLLET_CALL_NOWHERE ? NULL : &table->entries[place];
}

ColletCallEntry *
collet_call_table_first (ColletCallTable *table, ColletCallList list)
{
  return at_place (table, table->orders[list].first);
}

ColletCallEntry *
collet_call_table_next (ColletCallTable *table, const ColletCallEntry *entry)
{
  return at_place (table, entry->next);
}

guint
collet_call_table_get_length (ColletCallTable *table, ColletCallList list)
{
  return table->orders[list].length;
}
