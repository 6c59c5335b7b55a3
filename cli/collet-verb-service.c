/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * drain (with status), resume, shutdown.
 */
#include "collet-bus.h"

#include <glib/gi18n.h>
#include "collet-change.h"
#include "collet-error.h"
#include "collet-human.h"
#include "collet-style.h"
#include "collet-table.h"
#include "collet-verb.h"

#define POLL_US 20000

static gboolean force;

static guint
get_drain_timeout_ms (void)
{
  double seconds = collet_change_options.drain_timeout_s;

  return seconds > 0 ? (guint)MAX (1, MIN (seconds * 1000, G_MAXINT)) : 0;
}

static GVariant *
build_options (void)
{
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  collet_change_add_reason (&options);
  if (force)
    g_variant_builder_add (&options, "{sv}", "force", g_variant_new_boolean (TRUE));
  return g_variant_builder_end (&options);
}

/* ---- drain ---- */

static void
print_status (GVariant *rows)
{
  g_autoptr (ColletTable) table = collet_table_new (N_ ("MODULE"), N_ ("VERSION"), N_ (">GEN"), N_ ("STATE"),
                                                    N_ (">CALLS"), N_ (">OLDEST"), N_ (">LEFT"), NULL);
  gint64 now = g_get_real_time ();

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      gint64 calls = collet_row_int (row, "in-flight");
      gint64 deadline = collet_row_int (row, "deadline");
      gint64 oldest_us = collet_row_int (row, "oldest-call-ms") * 1000;

      collet_table_add (table, g_strdup (collet_row_string (row, "module")), COLLET_PAINT_BOLD);
      collet_table_add_copy (table, collet_row_string (row, "semantic-version"));
      collet_table_add (table, g_strdup_printf ("%" G_GINT64_FORMAT, collet_row_int (row, "generation")),
                        COLLET_PAINT_NONE);
      collet_table_add_state (table, collet_row_string (row, "state"));
      collet_table_add (table, g_strdup_printf ("%" G_GINT64_FORMAT, calls),
                        calls > 0 ? COLLET_PAINT_WARN : COLLET_PAINT_NONE);
      collet_table_add (table, calls > 0 ? collet_human_dup_duration (oldest_us) : g_strdup ("-"),
                        COLLET_PAINT_NONE);
      collet_table_add (table, deadline > now ? collet_human_dup_duration (deadline - now) : g_strdup ("-"),
                        COLLET_PAINT_NONE);
    }
  collet_table_print (table);
  if (g_variant_n_children (rows) == 0)
    g_printerr (_ ("Nothing drains.\n"));
}

static ColletExit
show_status (ColletCtl *ctl, const char *module)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "GetDrainStatus", g_variant_new ("(s)", module != NULL ? module : ""), "(aa{sv})",
                       &error);

  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_autoptr (GVariant) rows = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    collet_ctl_print_json ("draining", rows);
  else
    print_status (rows);
  return COLLET_EXIT_OK;
}

static ColletExit
run_drain (ColletCtl *ctl, char **arguments)
{
  if (g_str_equal (arguments[0], "status"))
    return show_status (ctl, arguments[1]);
  if (arguments[1] != NULL)
    return collet_ctl_fail_usage (ctl, "one module is drained at a time");
  return collet_change_run_with (ctl, "DrainModule",
                                 g_variant_new ("(su)", arguments[0], get_drain_timeout_ms ()),
                                 build_options ());
}

#define WAIT_FOR_CALLS                                                                                       \
  {                                                                                                          \
    "drain-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &collet_change_options.drain_timeout_s,                      \
        N_ ("How long to wait for the calls that run"), "SECONDS"                                            \
  }

static const GOptionEntry drain_options[] = {
  WAIT_FOR_CALLS,
  { "force", 0, 0, G_OPTION_ARG_NONE, &force, N_ ("End the calls that are left then"), NULL },
  COLLET_CHANGE_REASON,
  COLLET_CHANGE_NO_WAIT,
  { NULL },
};

const ColletVerb collet_verb_drain = {
  .name = "drain",
  .arguments = "MODULE | status [MODULE]",
  .summary = N_ ("Take a module out of service: no new calls, those that run finish"),
  .help = N_ (
      "Callers get the error ModuleDrained with a hint to try again. The module stays loaded, and drained\n"
      "until \"resume\", also through reloads and restarts of the daemon. If calls are left when the time "
      "is\n"
      "over, the drain fails and calls are taken again; with --force what is left is ended.\n"
      "\n"
      "status lists what drains: modules, and older versions that still finish their calls."),
  .options = drain_options,
  .min_arguments = 1,
  .max_arguments = 2,
  .run = run_drain,
};

/* ---- resume ---- */

static ColletExit
run_resume (ColletCtl *ctl, char **arguments)
{
  return collet_change_run_with (ctl, "ResumeModule", g_variant_new ("(s)", arguments[0]), build_options ());
}

static const GOptionEntry resume_options[] = {
  COLLET_CHANGE_REASON,
  COLLET_CHANGE_NO_WAIT,
  { NULL },
};

const ColletVerb collet_verb_resume = {
  .name = "resume",
  .arguments = "MODULE",
  .summary = N_ ("Take a drained module back into service"),
  .options = resume_options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_resume,
};

/* ---- shutdown ---- */

static gboolean
is_there (GDBusConnection *connection)
{
  gboolean there = FALSE;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
      g_variant_new ("(s)", COLLET_BUS_NAME), G_VARIANT_TYPE ("(b)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);

  if (reply != NULL)
    g_variant_get (reply, "(b)", &there);
  return there;
}

/* A reload that cannot be followed to its end: who would tell of it is gone. */
static ColletExit
wait_until_gone (ColletCtl *ctl, const char *id)
{
  GDBusConnection *connection = collet_client_get_connection (ctl->client);
  guint limit_ms = collet_ctl_get_timeout_ms (ctl, 0);
  gint64 end_us = limit_ms > 0 ? g_get_monotonic_time () + (gint64)limit_ms * 1000 : G_MAXINT64;

  while (is_there (connection))
    {
      if (g_get_monotonic_time () > end_us)
        {
          g_autoptr (GError) error =
              g_error_new_literal (COLLET_ERROR, COLLET_ERROR_TIMEOUT,
                                   _ ("The daemon has not ended yet; it goes on ending."));
          return collet_ctl_fail (ctl, error);
        }
      g_usleep (POLL_US);
    }
  if (ctl->json)
    {
      g_autoptr (GVariant) row = g_variant_ref_sink (
          g_variant_new_parsed ("{'Id': <%s>, 'Kind': <'shutdown'>, 'State': <'succeeded'>}", id));
      collet_ctl_print_json ("reload", row);
    }
  else
    g_print (_ ("The daemon has ended.\n"));
  return COLLET_EXIT_OK;
}

static ColletExit
run_shutdown (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "InitiateShutdown",
                       g_variant_new ("(u@a{sv})", get_drain_timeout_ms (), build_options ()), "(o)", &error);
  const char *path;

  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_variant_get (reply, "(&o)", &path);
  g_autofree char *id = collet_bus_dup_name (COLLET_BUS_RELOADS, path);
  return wait_until_gone (ctl, id != NULL ? id : path);
}

static const GOptionEntry shutdown_options[] = {
  WAIT_FOR_CALLS,
  COLLET_CHANGE_REASON,
  { NULL },
};

const ColletVerb collet_verb_shutdown = {
  .name = "shutdown",
  .arguments = "",
  .summary = N_ ("End the daemon: calls finish, states are saved"),
  .help = N_ ("No new calls are taken. Calls that are left when the time is over are ended."),
  .options = shutdown_options,
  .max_arguments = 0,
  .run = run_shutdown,
};
