/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * confirm, revert, promote, statistics.
 */
#include "collet-change.h"

#include <glib/gi18n.h>
#include "collet-human.h"
#include "collet-style.h"
#include "collet-table.h"
#include "collet-verb.h"

static double since_s;
static int step_s;

static GVariant *
build_options (gboolean has_state)
{
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  collet_change_add_reason (&options);
  if (has_state && collet_change_options.state != NULL)
    g_variant_builder_add (&options, "{sv}", "state", g_variant_new_string (collet_change_options.state));
  return g_variant_builder_end (&options);
}

static ColletExit
run_confirm (ColletCtl *ctl, char **arguments)
{
  return collet_change_run_with (ctl, "ConfirmReload", g_variant_new ("(s)", arguments[0]),
                                 build_options (FALSE));
}

static const GOptionEntry confirm_options[] = {
  COLLET_CHANGE_REASON,
  COLLET_CHANGE_NO_WAIT,
  { NULL },
};

const ColletVerb collet_verb_confirm = {
  .name = "confirm",
  .arguments = "ID",
  .summary = N_ ("End the trial window of a reload: the new version stays"),
  .help = N_ ("An ID may be shortened to at least 4 digits."),
  .options = confirm_options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_confirm,
};

static ColletExit
run_revert (ColletCtl *ctl, char **arguments)
{
  return collet_change_run_with (ctl, "RevertReload", g_variant_new ("(s)", arguments[0]),
                                 build_options (TRUE));
}

static const GOptionEntry revert_options[] = {
  { "state", 0, 0, G_OPTION_ARG_STRING, &collet_change_options.state,
    N_ ("auto, migrate (down, by the code), snapshot (the last one of that version) or discard"), "HOW" },
  COLLET_CHANGE_REASON,
  COLLET_CHANGE_NO_WAIT,
  { NULL },
};

const ColletVerb collet_verb_revert = {
  .name = "revert",
  .arguments = "ID",
  .summary = N_ ("Take a reload back: what ran before it serves again"),
  .help = N_ ("In its trial window, or after it as long as no other reload of the module came; or a canary, "
              "which is\n"
              "given up. An ID may be shortened to at least 4 digits."),
  .options = revert_options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_revert,
};

static ColletExit
run_promote (ColletCtl *ctl, char **arguments)
{
  return collet_change_run_with (ctl, "PromoteRollout", g_variant_new ("(s)", arguments[0]),
                                 build_options (FALSE));
}

const ColletVerb collet_verb_promote = {
  .name = "promote",
  .arguments = "MODULE",
  .summary = N_ ("Give a canary's version to all callers"),
  .help = N_ ("A canary is begun with \"reload --canary\"; \"revert\" with its ID gives it up."),
  .options = confirm_options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_promote,
};

/* ---- statistics ---- */

static void
print_statistics (GVariant *rows)
{
  g_autoptr (ColletTable) table =
      collet_table_new (N_ ("TIME"), N_ ("TOOL"), N_ ("VERSION"), N_ (">CALLS"), N_ (">ERRORS"), N_ (">P50"),
                        N_ (">P95"), N_ (">P99"), N_ (">MAX"), NULL);
  static const char *const times[] = { "p50-us", "p95-us", "p99-us", "max-us" };

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      gint64 errors = collet_row_int (row, "errors");

      collet_table_add (table, collet_human_dup_time (collet_row_int (row, "at")), COLLET_PAINT_DIM);
      collet_table_add (table, g_strdup (collet_row_string (row, "tool")), COLLET_PAINT_BOLD);
      collet_table_add_copy (table, collet_row_string (row, "semantic-version"));
      collet_table_add (table, g_strdup_printf ("%" G_GINT64_FORMAT, collet_row_int (row, "calls")),
                        COLLET_PAINT_NONE);
      collet_table_add (table, g_strdup_printf ("%" G_GINT64_FORMAT, errors),
                        errors > 0 ? COLLET_PAINT_WARN : COLLET_PAINT_NONE);
      for (guint j = 0; j < G_N_ELEMENTS (times); j++)
        collet_table_add (table, collet_human_dup_duration (collet_row_int (row, times[j])),
                          COLLET_PAINT_NONE);
    }
  collet_table_print (table);
  if (g_variant_n_children (rows) == 0)
    g_printerr (_ ("No calls in that time.\n"));
}

static ColletExit
run_statistics (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  if (since_s > 0)
    g_variant_builder_add (&options, "{sv}", "since",
                           g_variant_new_int64 (g_get_real_time () - (gint64)(since_s * G_USEC_PER_SEC)));
  if (step_s > 0)
    g_variant_builder_add (&options, "{sv}", "step-s", g_variant_new_uint32 ((guint32)step_s));
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "GetCallStatistics",
                       g_variant_new ("(sa{sv})", arguments[0] != NULL ? arguments[0] : "", &options),
                       "(aa{sv})", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);

  g_autoptr (GVariant) rows = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    collet_ctl_print_json ("statistics", rows);
  else
    print_statistics (rows);
  return COLLET_EXIT_OK;
}

static const GOptionEntry statistics_options[] = {
  { "since", 0, 0, G_OPTION_ARG_DOUBLE, &since_s, N_ ("So far back (3600)"), "SECONDS" },
  { "step", 0, 0, G_OPTION_ARG_INT, &step_s, N_ ("Of the rows, 10 at least (60)"), "SECONDS" },
  { NULL },
};

const ColletVerb collet_verb_statistics = {
  .name = "statistics",
  .arguments = "[TOOL]",
  .summary = N_ ("Calls, errors and times, by version and time"),
  .help = N_ ("From counters in memory, kept for a day. The times are those within the module."),
  .options = statistics_options,
  .max_arguments = 1,
  .run = run_statistics,
};
