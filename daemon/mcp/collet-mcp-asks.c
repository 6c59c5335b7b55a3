/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-asks.c: all calls that wait for a legacy client's answers: how many, for
 * how long, and their end with the server's. */
#include "collet-mcp-ask-private.h"

#include "collet-error.h"

ColletMcpAsks *
collet_mcp_asks_new (void)
{
  ColletMcpAsks *asks = g_new0 (ColletMcpAsks, 1);

  pthread_mutex_init (&asks->lock, NULL);
  return asks;
}

void
collet_mcp_asks_free (ColletMcpAsks *asks)
{
  g_assert (g_queue_is_empty (&asks->waiting));
  pthread_mutex_destroy (&asks->lock);
  g_free (asks);
}

static GPtrArray *
list_waiting (ColletMcpAsks *asks)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (collet_mcp_call_unref);

  pthread_mutex_lock (&asks->lock);
  for (GList *link = asks->waiting.head; link; link = link->next)
    g_ptr_array_add (all, collet_mcp_call_ref (link->data));
  pthread_mutex_unlock (&asks->lock);
  return all;
}

void
collet_mcp_asks_check_time (ColletMcpAsks *asks, gint64 now_us)
{
  g_autoptr (GPtrArray) all = list_waiting (asks);

  for (guint i = 0; i < all->len; i++)
    collet_mcp_ask_check (all->pdata[i], now_us);
}

guint
collet_mcp_asks_get_length (ColletMcpAsks *asks)
{
  guint length;

  pthread_mutex_lock (&asks->lock);
  length = asks->waiting.length;
  pthread_mutex_unlock (&asks->lock);
  return length;
}

void
collet_mcp_asks_end_all (ColletMcpAsks *asks)
{
  g_autoptr (GPtrArray) all = NULL;

  pthread_mutex_lock (&asks->lock);
  asks->is_ending = TRUE;
  pthread_mutex_unlock (&asks->lock);
  all = list_waiting (asks);

  for (guint i = 0; i < all->len; i++)
    collet_mcp_ask_abandon (all->pdata[i], COLLET_ERROR_SHUTTING_DOWN,
                            "The server ends; it will not hear the answer to its question.");
}
