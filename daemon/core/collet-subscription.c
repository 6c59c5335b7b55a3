/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-subscription.h"

#include <string.h>

#include "collet-error.h"

#define UID_PREFIX "uid:"

ColletUpdateRow *
collet_update_row_new (void)
{
  return g_new0 (ColletUpdateRow, 1);
}

void
collet_update_row_free (ColletUpdateRow *row)
{
  if (row == NULL)
    return;
  g_free (row->tool);
  g_free (row->module);
  g_free (row->version);
  g_free (row->previous_version);
  g_free (row->reload);
  g_free (row);
}

ColletUpdateList *
collet_update_list_new (void)
{
  ColletUpdateList *list = g_new0 (ColletUpdateList, 1);

  list->updates = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_update_row_free);
  return list;
}

void
collet_update_list_free (ColletUpdateList *list)
{
  if (list == NULL)
    return;
  g_ptr_array_unref (list->updates);
  g_free (list);
}

ColletSubscriptionRow *
collet_subscription_row_new (void)
{
  return g_new0 (ColletSubscriptionRow, 1);
}

void
collet_subscription_row_free (ColletSubscriptionRow *row)
{
  if (row == NULL)
    return;
  g_free (row->subscriber);
  g_free (row->tool);
  g_free (row);
}

void
collet_tool_check_free (ColletToolCheck *check)
{
  if (check == NULL)
    return;
  g_free (check->version);
  g_free (check);
}

static gboolean
is_name (const char *name)
{
  gsize length = strlen (name);

  if (length == 0 || length > COLLET_SUBSCRIBER_NAME_SIZE)
    return FALSE;
  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("._:@-", *c) == NULL)
      return FALSE;
  return TRUE;
}

char *
collet_subscriber_dup_name (const char *name, gint64 uid, GError **error)
{
  g_autofree char *own = g_strdup_printf (UID_PREFIX "%" G_GINT64_FORMAT, uid);

  if (name == NULL)
    return g_steal_pointer (&own);
  if (!is_name (name))
    {
      g_autofree char *shown = g_utf8_make_valid (name, MIN (strlen (name), COLLET_SUBSCRIBER_NAME_SIZE));

      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "\"%s\" is no name of a subscriber; use 1 to %d of letters, digits, '.', '_', ':', '@' "
                   "and '-'.",
                   shown, COLLET_SUBSCRIBER_NAME_SIZE);
      return NULL;
    }
  if (uid != 0 && g_str_has_prefix (name, UID_PREFIX) && !g_str_equal (name, own))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
                   "\"%s\" is the subscriber's name of another user; leave the option out, or choose a name "
                   "that does not begin with \"" UID_PREFIX "\".",
                   name);
      return NULL;
    }
  return g_strdup (name);
}
