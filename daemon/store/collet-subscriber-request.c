/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Requests of subscribers.
 */
#include "collet-request.h"

#include "collet-subscription-table.h"

static void
subscriber_input_free (ColletSubscriberInput *input)
{
  g_free (input->subscriber);
  g_free (input->tool);
  g_free (input);
}

static gboolean
perform_subscribe (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const ColletSubscriberInput *input = request->input;
  guint64 *sequence = g_new0 (guint64, 1);

  request->output = sequence;
  return collet_subscription_table_add (db, input->subscriber, input->uid, input->tool, sequence, error);
}

static gboolean
perform_unsubscribe (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const ColletSubscriberInput *input = request->input;
  gboolean *existed = g_new0 (gboolean, 1);

  request->output = existed;
  return collet_subscription_table_remove (db, input->subscriber, input->uid, input->tool, existed, error);
}

static gboolean
perform_check (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const ColletSubscriberInput *input = request->input;

  request->output = collet_subscription_table_check (db, input->subscriber, input->uid, input->tool, error);
  return request->output != NULL;
}

static gboolean
perform_updates (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const ColletSubscriberInput *input = request->input;

  request->output = collet_subscription_table_read_updates (db, input->subscriber, input->uid,
                                                            input->sequence, input->limit, error);
  return request->output != NULL;
}

static gboolean
perform_list (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const ColletSubscriberInput *input = request->input;

  request->output = collet_subscription_table_list (db, input->subscriber, error);
  return request->output != NULL;
}

const ColletRequestClass collet_request_subscribe = {
  .perform = perform_subscribe,
  .is_write = TRUE,
  .has_answer = TRUE,
  .free_input = (GDestroyNotify)subscriber_input_free,
  .free_output = g_free,
};

const ColletRequestClass collet_request_unsubscribe = {
  .perform = perform_unsubscribe,
  .is_write = TRUE,
  .has_answer = TRUE,
  .free_input = (GDestroyNotify)subscriber_input_free,
  .free_output = g_free,
};

const ColletRequestClass collet_request_check = {
  .perform = perform_check,
  .is_write = TRUE,
  .has_answer = TRUE,
  .free_input = (GDestroyNotify)subscriber_input_free,
  .free_output = (GDestroyNotify)collet_tool_check_free,
};

const ColletRequestClass collet_request_updates = {
  .perform = perform_updates,
  .has_answer = TRUE,
  .free_input = (GDestroyNotify)subscriber_input_free,
  .free_output = (GDestroyNotify)collet_update_list_free,
};

const ColletRequestClass collet_request_subscriptions = {
  .perform = perform_list,
  .has_answer = TRUE,
  .free_input = (GDestroyNotify)subscriber_input_free,
  .free_output = (GDestroyNotify)g_ptr_array_unref,
};
