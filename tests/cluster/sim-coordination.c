/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One node's way to the store, which loses and delays.
 */
#include "sim-world.h"

#include "collet-error.h"

#define MAX_SENDS 4 /* then nobody knows */

typedef struct
{
  ColletCoordination base;
  SimNode *node;
} SimCoordination;

typedef struct
{
  guint id;
  SimNode *node;
  char *prefix;
  guint position; /* in the log: told up to there */
  ColletWatchEvent event;
  gpointer user_data;
  gboolean is_scheduled;
} SimWatch;

/* ---- the store ---- */

static void deliver (gpointer data);

static void
schedule_watch (SimWatch *watch)
{
  if (watch->is_scheduled)
    return;
  watch->is_scheduled = TRUE;
  sim_later (watch->node->world, watch->node, sim_delay (watch->node->world), deliver, watch, NULL);
}

ColletTxnReply *
sim_store_run (SimWorld *world, const ColletTxn *txn)
{
  g_autoptr (GError) error = NULL;
  ColletTxnReply *reply = memory_rows_run (world->store, txn, &error);

  if (error != NULL) /* its session has ended */
    return NULL;
  for (guint i = 0; i < reply->changes->len; i++)
    g_ptr_array_add (world->log, collet_key_value_copy (reply->changes->pdata[i]));
  for (guint i = 0; reply->changes->len > 0 && i < world->n_nodes; i++)
    {
      SimNode *node = world->nodes[i];

      for (guint k = 0; node != NULL && node->is_up && k < node->watches->len; k++)
        schedule_watch (node->watches->pdata[k]);
    }
  return reply;
}

/* All changes of a revision come together. */
static void
deliver (gpointer data)
{
  SimWatch *watch = data;
  SimWorld *world = watch->node->world;
  g_autoptr (GPtrArray) changes = g_ptr_array_new ();
  guint end = watch->position + 1 + sim_choose (world, 4);
  gint64 revision = 0;

  watch->is_scheduled = FALSE;
  for (; watch->position < world->log->len; watch->position++)
    {
      ColletKeyValue *row = world->log->pdata[watch->position];

      if (watch->position >= end && row->mod_rev != revision)
        break;
      revision = row->mod_rev;
      if (g_str_has_prefix (row->key, watch->prefix))
        g_ptr_array_add (changes, row);
    }
  if (watch->position < world->log->len)
    schedule_watch (watch);
  if (sim_chance (world, world->faults.watch_gap))
    watch->event (NULL, revision, watch->user_data);
  else if (sim_chance (world, world->faults.watch_loss))
    world->lost++;
  else if (changes->len > 0)
    watch->event (changes, revision, watch->user_data);
}

/* ---- transactions ---- */

typedef struct
{
  SimNode *node;
  guint incarnation;
  ColletTxn *txn;
  ColletTxnDone done;
  gpointer user_data;
  guint sends;
  ColletTxnReply *reply;
  GError *error;
} Request;

static void arrive (gpointer data);

static void
request_free (gpointer data)
{
  Request *request = data;

  collet_txn_free (request->txn);
  collet_txn_reply_free (request->reply);
  g_clear_error (&request->error);
  g_free (request);
}

static void
answer (gpointer data)
{
  Request *request = data;

  request->done (request->reply, request->error, request->user_data);
}

static gboolean
is_sender_gone (const Request *request)
{
  return !request->node->is_up || request->node->incarnation != request->incarnation;
}

/* As a client that gets no answer: the same once more, then "nobody knows". */
static void
send_again (Request *request)
{
  SimWorld *world = request->node->world;

  world->lost++;
  if (is_sender_gone (request))
    {
      request_free (request);
      return;
    }
  if (++request->sends < MAX_SENDS)
    {
      sim_hand_on (world, sim_delay (world) + 100000, arrive, request, request_free);
      return;
    }
  g_set_error (&request->error, COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED, "no answer");
  sim_later (world, request->node, sim_delay (world), answer, request, request_free);
}

/* It may still arrive when its sender is dead. */
static void
arrive (gpointer data)
{
  Request *request = data;
  SimWorld *world = request->node->world;

  if (sim_chance (world, world->faults.lose_request))
    {
      send_again (request);
      return;
    }
  collet_txn_reply_free (request->reply);
  request->reply = sim_store_run (world, request->txn);
  if (is_sender_gone (request))
    {
      request_free (request);
      return;
    }
  if (request->reply == NULL)
    g_set_error (&request->error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED, "no session");
  else if (sim_chance (world, world->faults.lose_reply))
    {
      g_clear_pointer (&request->reply, collet_txn_reply_free);
      send_again (request);
      return;
    }
  sim_later (world, request->node, sim_delay (world), answer, request, request_free);
}

static void
sim_txn (ColletCoordination *base, const ColletTxn *txn, ColletTxnDone done, gpointer user_data)
{
  SimNode *node = ((SimCoordination *)base)->node;
  Request *request = g_new0 (Request, 1);

  request->node = node;
  request->incarnation = node->incarnation;
  request->txn = collet_txn_copy (txn);
  request->txn->session = g_strdup (node->session);
  request->done = done;
  request->user_data = user_data;
  sim_hand_on (node->world, sim_delay (node->world), arrive, request, request_free);
}

/* ---- watches and sessions ---- */

static guint
sim_watch (ColletCoordination *base, const char *prefix, gint64 from_revision, ColletWatchEvent event,
           gpointer user_data)
{
  SimNode *node = ((SimCoordination *)base)->node;
  SimWatch *watch = g_new0 (SimWatch, 1);

  watch->node = node;
  watch->prefix = g_strdup (prefix);
  watch->event = event;
  watch->user_data = user_data;
  while (watch->position < node->world->log->len &&
         ((ColletKeyValue *)node->world->log->pdata[watch->position])->mod_rev < from_revision)
    watch->position++;
  g_ptr_array_add (node->watches, watch);
  schedule_watch (watch);
  return node->watches->len;
}

static void
sim_unwatch (ColletCoordination *base, guint id)
{
  g_assert_not_reached ();
}

void
sim_node_end_watches (SimNode *node)
{
  for (guint i = 0; i < node->watches->len; i++)
    {
      SimWatch *watch = node->watches->pdata[i];

      g_free (watch->prefix);
      g_free (watch);
    }
  g_clear_pointer (&node->watches, g_ptr_array_unref);
}

static void
on_session_opened (gpointer data)
{
  SimNode *node = data;

  node->session = g_strdup_printf ("s%u", ++node->world->last_session);
  node->session_event (NULL, node->session_data);
}

/* A store that stalls may end a session wrongly. */
static void
on_session_look (gpointer data)
{
  SimNode *node = data;
  SimWorld *world = node->world;

  sim_later (world, node, 3 * G_USEC_PER_SEC, on_session_look, node, NULL);
  if (node->session == NULL || !sim_chance (world, world->faults.lose_session))
    return;

  g_autoptr (ColletTxn) txn = collet_txn_new ();
  g_autoptr (GError) error = g_error_new (COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED, "expired");
  collet_txn_end_session (txn, node->session);
  g_clear_pointer (&node->session, g_free);
  collet_txn_reply_free (sim_store_run (world, txn));
  node->session_event (error, node->session_data);
  sim_later (world, node, sim_delay (world), on_session_opened, node, NULL);
}

static void
sim_open_session (ColletCoordination *base, guint ttl_s, ColletSessionEvent event, gpointer user_data)
{
  SimNode *node = ((SimCoordination *)base)->node;

  node->session_event = event;
  node->session_data = user_data;
  sim_later (node->world, node, sim_delay (node->world), on_session_opened, node, NULL);
  sim_later (node->world, node, 3 * G_USEC_PER_SEC, on_session_look, node, NULL);
}

static void
sim_get_status (ColletCoordination *base, ColletCoordinationStatus *status)
{
  SimWorld *world = ((SimCoordination *)base)->node->world;

  status->backend = "sim";
  status->store_id = g_strdup (world->store->store_id);
  status->revision = world->store->revision;
  status->is_reachable = TRUE;
}

static void
sim_free (ColletCoordination *base)
{
  g_free (base);
}

ColletCoordination *
sim_coordination_new (SimNode *node)
{
  static const ColletCoordinationClass class_ = {
    .txn = sim_txn,
    .watch = sim_watch,
    .unwatch = sim_unwatch,
    .open_session = sim_open_session,
    .get_status = sim_get_status,
    .free = sim_free,
  };
  SimCoordination *self = g_new0 (SimCoordination, 1);

  self->base.class_ = &class_;
  self->node = node;
  return &self->base;
}
