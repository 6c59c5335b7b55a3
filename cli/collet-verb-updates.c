/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * updates.
 */
#include <glib-unix.h>
#include <stdio.h>
#include <glib/gi18n.h>

#include "collet-bus.h"
#include "collet-human.h"
#include "collet-subscription-options.h"
#include "collet-table.h"
#include "collet-variant-json.h"
#include "collet-verb.h"

#define PAGE 1000

static gint64 since;
static int limit = PAGE;
static gboolean is_following;

/* ---- once ---- */

static GVariant *
get_updates (ColletCtl *ctl, guint64 sequence, guint at_most, guint64 *next, GError **error)
{
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "GetUpdatesSince",
                       g_variant_new ("(t@a{sv})", sequence, collet_subscriber_build_options (at_most)),
                       "(aa{sv}t)", error);
  GVariant *rows = NULL;

  if (reply != NULL)
    g_variant_get (reply, "(@aa{sv}t)", &rows, next);
  return rows;
}

static void
print_table (GVariant *rows)
{
  g_autoptr (ColletTable) table = collet_table_new (N_ (">UPDATE"), N_ ("AT"), N_ ("TOOL"), N_ ("MODULE"),
                                                    N_ ("FROM"), N_ ("TO"), N_ ("RELOAD"), NULL);

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

      collet_table_add (table, g_strdup_printf ("%" G_GINT64_FORMAT, collet_row_int (row, "sequence")),
                        COLLET_PAINT_NONE);
      collet_table_add (table, collet_human_dup_time (collet_row_int (row, "at")), COLLET_PAINT_NONE);
      collet_table_add (table, g_strdup (collet_row_string (row, "tool")), COLLET_PAINT_BOLD);
      collet_table_add_copy (table, collet_row_string (row, "module"));
      collet_table_add (table, collet_human_dup_hash (collet_row_string (row, "previous-version")),
                        COLLET_PAINT_DIM);
      collet_table_add (table, collet_human_dup_hash (collet_row_string (row, "version")), COLLET_PAINT_NONE);
      collet_table_add_copy (table, collet_row_string (row, "reload"));
    }
  collet_table_print (table);
}

static void
print_json (GVariant *rows, guint64 next)
{
  g_autoptr (GString) out = g_string_new ("{\"updates\":");

  collet_variant_json_append (out, rows);
  g_string_append_printf (out, ",\"next\":%" G_GUINT64_FORMAT "}", next);
  g_print ("%s\n", out->str);
}

static ColletExit
show (ColletCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  guint64 next = 0;
  g_autoptr (GVariant) rows = get_updates (ctl, (guint64)since, (guint)limit, &next, &error);

  if (rows == NULL)
    return collet_ctl_fail (ctl, error);
  if (ctl->json)
    print_json (rows, next);
  else if (g_variant_n_children (rows) == 0)
    g_printerr (_ ("Nothing was updated that is subscribed to; \"colletctl subscribe\" begins that.\n"));
  else
    print_table (rows);
  return COLLET_EXIT_OK;
}

/* ---- and on ---- */

typedef struct
{
  ColletCtl *ctl;
  GMainLoop *loop;
  guint64 next;
  gboolean is_there; /* the daemon */
  ColletExit status;
} Following;

static void
print_line (ColletCtl *ctl, GVariant *row)
{
  g_autofree char *from = collet_human_dup_hash (collet_row_string (row, "previous-version"));
  g_autofree char *to = collet_human_dup_hash (collet_row_string (row, "version"));
  g_autofree char *tool = collet_style_dup_safe (collet_row_string (row, "tool"));
  g_autofree char *at = collet_human_dup_time (collet_row_int (row, "at"));

  if (ctl->json)
    collet_ctl_print_json ("update", row);
  else
    g_print ("%s  %" G_GINT64_FORMAT "  %s  %s → %s\n", at, collet_row_int (row, "sequence"), tool, from, to);
}

static void
catch_up (Following *self)
{
  g_autoptr (GError) error = NULL;
  gsize n;

  do
    {
      g_autoptr (GVariant) rows = get_updates (self->ctl, self->next, PAGE, &self->next, &error);

      n = rows != NULL ? g_variant_n_children (rows) : 0;
      for (gsize i = 0; i < n; i++)
        {
          g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
          print_line (self->ctl, row);
        }
    }
  while (n == PAGE);
  fflush (stdout);
  /* A daemon that is just going is waited for. */
  if (error == NULL || error->domain == COLLET_CLIENT_ERROR)
    return;
  self->status = collet_ctl_fail (self->ctl, error);
  g_main_loop_quit (self->loop);
}

static void
on_tool_updated (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
                 const char *signal, GVariant *parameters, gpointer data)
{
  Following *self = data;
  guint64 sequence;

  g_variant_get (parameters, "(sst)", NULL, NULL, &sequence);
  if (self->is_there && sequence > self->next)
    catch_up (self);
}

static void
on_appeared (GDBusConnection *connection, const char *name, const char *owner, gpointer data)
{
  Following *self = data;

  self->is_there = TRUE;
  catch_up (self);
}

static void
on_vanished (GDBusConnection *connection, const char *name, gpointer data)
{
  Following *self = data;

  if (self->is_there)
    g_printerr (_ ("The daemon is gone; waiting for it.\n"));
  self->is_there = FALSE;
}

static gboolean
on_enough (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_CONTINUE;
}

static ColletExit
follow (ColletCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  ColletClient *client = collet_ctl_get_client (ctl, &error);
  if (client == NULL)
    return collet_ctl_fail (ctl, error);

  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  GDBusConnection *connection = collet_client_get_connection (client);
  Following self = { .ctl = ctl, .loop = loop, .next = (guint64)since };
  guint updated =
      g_dbus_connection_signal_subscribe (connection, COLLET_BUS_NAME, "org.collet.Collet1.Manager",
                                          "ToolUpdated", COLLET_BUS_ROOT, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                          on_tool_updated, &self, NULL);
  guint watch = g_bus_watch_name_on_connection (connection, COLLET_BUS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                on_appeared, on_vanished, &self, NULL);
  guint interrupted = g_unix_signal_add (SIGINT, on_enough, loop);
  guint terminated = g_unix_signal_add (SIGTERM, on_enough, loop);
  guint limited =
      ctl->timeout_s > 0 ? g_timeout_add (collet_ctl_get_timeout_ms (ctl, 0), on_enough, loop) : 0;

  g_main_loop_run (loop);
  g_clear_handle_id (&limited, g_source_remove);
  g_source_remove (interrupted);
  g_source_remove (terminated);
  g_bus_unwatch_name (watch);
  g_dbus_connection_signal_unsubscribe (connection, updated);
  return self.status;
}

static ColletExit
run_updates (ColletCtl *ctl, char **arguments)
{
  if (since < 0 || limit <= 0)
    return collet_ctl_fail_usage (ctl, "--since must be at least 0, and --limit at least 1");
  return is_following ? follow (ctl) : show (ctl);
}

static const GOptionEntry updates_options[] = {
  { "since", 0, 0, G_OPTION_ARG_INT64, &since,
    N_ ("Only those after this update; all that are kept if not given"), "NUMBER" },
  { "limit", 'n', 0, G_OPTION_ARG_INT, &limit, N_ ("At most so many, 1000 if not given"), "N" },
  { "follow", 'f', 0, G_OPTION_ARG_NONE, &is_following,
    N_ ("Print those that come as well, a line each, until it is interrupted"), NULL },
  COLLET_SUBSCRIBER_OPTION,
  { NULL },
};

const ColletVerb collet_verb_updates = {
  .name = "updates",
  .arguments = "",
  .summary = N_ ("Show what was updated of what you subscribe to"),
  .help = N_ (
      "Numbers grow by one with every update of any tool. With --json \"next\" is what to give as --since\n"
      "the next time. --follow stays also while the daemon restarts, and misses nothing."),
  .options = updates_options,
  .min_arguments = 0,
  .max_arguments = 0,
  .run = run_updates,
};
