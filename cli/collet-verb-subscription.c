/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * check, subscribe, unsubscribe, subscriptions.
 */
#include "collet-human.h"

#include <glib/gi18n.h>
#include "collet-subscription-options.h"
#include "collet-table.h"
#include "collet-verb.h"

char *collet_subscriber;

GVariant *
collet_subscriber_build_options (guint limit)
{
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  if (collet_subscriber != NULL)
    g_variant_builder_add (&options, "{sv}", "subscriber", g_variant_new_string (collet_subscriber));
  if (limit > 0)
    g_variant_builder_add (&options, "{sv}", "limit", g_variant_new_uint32 (limit));
  return g_variant_builder_end (&options);
}

static GVariant *
call (ColletCtl *ctl, const char *method, const char *tool, const char *type, GError **error)
{
  return collet_ctl_call (ctl, method, g_variant_new ("(s@a{sv})", tool, collet_subscriber_build_options (0)),
                          type, error);
}

static const GOptionEntry subscriber_options[] = {
  COLLET_SUBSCRIBER_OPTION,
  { NULL },
};

/* ---- check ---- */

static ColletExit
run_check (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = call (ctl, "CheckToolUpdated", arguments[0], "(bs)", &error);
  const char *version;
  gboolean updated;

  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_variant_get (reply, "(b&s)", &updated, &version);
  if (ctl->json)
    {
      GVariantBuilder row;

      g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (&row, "{sv}", "tool", g_variant_new_string (arguments[0]));
      g_variant_builder_add (&row, "{sv}", "updated", g_variant_new_boolean (updated));
      g_variant_builder_add (&row, "{sv}", "version", g_variant_new_string (version));
      collet_ctl_print_json ("check", g_variant_builder_end (&row));
    }
  else
    {
      g_autofree char *hash = collet_human_dup_hash (version);
      g_print (_ ("%s: %s, version %s\n"), arguments[0], updated ? _ ("updated") : _ ("not updated"), hash);
    }
  return COLLET_EXIT_OK;
}

const ColletVerb collet_verb_check = {
  .name = "check",
  .arguments = "TOOL",
  .summary = N_ ("Ask whether a tool was updated since you asked last"),
  .help = N_ (
      "The first time it is since the subscription, else since the tool's registration. It is remembered\n"
      "that the present version was seen."),
  .options = subscriber_options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_check,
};

/* ---- subscribe, unsubscribe ---- */

static ColletExit
run_subscribe (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = call (ctl, "SubscribeToToolUpdates", arguments[0], "(st)", &error);
  const char *subscriber;
  guint64 sequence;

  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_variant_get (reply, "(&st)", &subscriber, &sequence);
  if (ctl->json)
    {
      GVariantBuilder row;

      g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (&row, "{sv}", "subscriber", g_variant_new_string (subscriber));
      g_variant_builder_add (&row, "{sv}", "tool", g_variant_new_string (arguments[0]));
      g_variant_builder_add (&row, "{sv}", "sequence", g_variant_new_uint64 (sequence));
      collet_ctl_print_json ("subscription", g_variant_builder_end (&row));
    }
  else
    {
      g_autofree char *from = g_strdup_printf ("%" G_GUINT64_FORMAT, sequence + 1);

      g_print (_ ("%s is told of %s from update %s on\n"), subscriber,
               g_str_equal (arguments[0], "*") ? _ ("every tool") : arguments[0], from);
    }
  return COLLET_EXIT_OK;
}

const ColletVerb collet_verb_subscribe = {
  .name = "subscribe",
  .arguments = "TOOL | '*'",
  .summary = N_ ("Have the updates of a tool, or of all, kept for you"),
  .help = N_ ("It is durable: what changes while you are away is kept, numbered, and shown by \"updates\"."),
  .options = subscriber_options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_subscribe,
};

static ColletExit
run_unsubscribe (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = call (ctl, "UnsubscribeFromToolUpdates", arguments[0], "(b)", &error);

  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_autoptr (GVariant) existed = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    collet_ctl_print_json ("existed", existed);
  else
    g_print ("%s\n",
             g_variant_get_boolean (existed) ? _ ("unsubscribed") : _ ("There was no such subscription"));
  return COLLET_EXIT_OK;
}

const ColletVerb collet_verb_unsubscribe = {
  .name = "unsubscribe",
  .arguments = "TOOL | '*'",
  .summary = N_ ("End a subscription"),
  .help =
      N_ ("Of one name only, as it was subscribed to. A name of your own choice is forgotten with its last\n"
          "subscription."),
  .options = subscriber_options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_unsubscribe,
};

/* ---- subscriptions ---- */

static void
print_subscriptions (GVariant *rows)
{
  g_autoptr (ColletTable) table = collet_table_new (N_ ("SUBSCRIBER"), N_ ("TOOL"), N_ ("OWNER"),
                                                    N_ ("SINCE"), N_ (">FROM"), N_ (">PENDING"), NULL);
  gint64 now = g_get_real_time ();

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      gint64 pending = collet_row_int (row, "pending");

      collet_table_add (table, g_strdup (collet_row_string (row, "subscriber")), COLLET_PAINT_BOLD);
      collet_table_add_copy (table, collet_row_string (row, "tool"));
      collet_table_add (table, g_strdup_printf ("uid:%" G_GINT64_FORMAT, collet_row_int (row, "uid")),
                        COLLET_PAINT_NONE);
      collet_table_add (table, collet_human_dup_age (collet_row_int (row, "since"), now), COLLET_PAINT_NONE);
      collet_table_add (table, g_strdup_printf ("%" G_GINT64_FORMAT, collet_row_int (row, "sequence") + 1),
                        COLLET_PAINT_NONE);
      collet_table_add (table, g_strdup_printf ("%" G_GINT64_FORMAT, pending),
                        pending > 0 ? COLLET_PAINT_WARN : COLLET_PAINT_NONE);
    }
  collet_table_print (table);
  if (g_variant_n_children (rows) == 0)
    g_printerr (_ ("Nobody subscribes.\n"));
}

static ColletExit
run_subscriptions (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "ListSubscriptions",
                       g_variant_new ("(@a{sv})", collet_subscriber_build_options (0)), "(aa{sv})", &error);

  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_autoptr (GVariant) rows = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    collet_ctl_print_json ("subscriptions", rows);
  else
    print_subscriptions (rows);
  return COLLET_EXIT_OK;
}

const ColletVerb collet_verb_subscriptions = {
  .name = "subscriptions",
  .arguments = "",
  .summary = N_ ("List who is told of which tools"),
  .help = N_ ("PENDING counts the updates since that subscriber's last check."),
  .options = subscriber_options,
  .min_arguments = 0,
  .max_arguments = 0,
  .run = run_subscriptions,
};
