/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * versions, retain, release.
 */
#include "collet-change.h"

#include <glib/gi18n.h>
#include "collet-human.h"
#include "collet-table.h"
#include "collet-verb.h"

/* ---- versions ---- */

static char *
dup_state (GVariant *row)
{
  if (collet_row_bool (row, "Active"))
    return g_strdup (_ ("serves"));
  return g_strdup (collet_row_bool (row, "Previous") ? _ ("previous") : _ ("retained"));
}

static char *
dup_pin (GVariant *row)
{
  const char *reason = collet_row_string (row, "RetainReason");

  if (!collet_row_bool (row, "Retained"))
    return g_strdup (_ ("by the rules"));
  return *reason != '\0' ? g_strdup_printf (_ ("for ever: %s"), reason) : g_strdup (_ ("for ever"));
}

static void
print_versions (GVariant *rows)
{
  g_autoptr (ColletTable) table =
      collet_table_new (N_ ("VERSION"), N_ ("SHA256"), N_ ("STATE"), N_ (">SIZE"), N_ ("ADDED"), N_ ("USED"),
                        N_ ("SAVED"), N_ ("TRUST"), N_ ("KEPT"), NULL);
  gint64 now = g_get_real_time ();

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

      collet_table_add (table, g_strdup (collet_row_string (row, "SemanticVersion")), COLLET_PAINT_BOLD);
      collet_table_add (table, collet_human_dup_hash (collet_row_string (row, "Version")), COLLET_PAINT_DIM);
      collet_table_add (table, dup_state (row),
                        collet_row_bool (row, "Active") ? COLLET_PAINT_GOOD : COLLET_PAINT_NONE);
      collet_table_add (table, collet_human_dup_size ((guint64)collet_row_int (row, "Size")),
                        COLLET_PAINT_NONE);
      collet_table_add (table, collet_human_dup_age (collet_row_int (row, "AddedAt"), now),
                        COLLET_PAINT_NONE);
      collet_table_add (table, collet_human_dup_age (collet_row_int (row, "UsedAt"), now), COLLET_PAINT_NONE);
      collet_table_add_copy (table, collet_row_bool (row, "HasSnapshot") ? _ ("state") : "-");
      gboolean is_revoked = collet_row_bool (row, "SignerRevoked");
      collet_table_add (table, g_strdup (is_revoked ? _ ("revoked") : collet_row_string (row, "Trust")),
                        is_revoked ? COLLET_PAINT_BAD : COLLET_PAINT_NONE);
      collet_table_add (table, dup_pin (row), COLLET_PAINT_NONE);
    }
  collet_table_print (table);
}

static ColletExit
run_versions (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "ListVersions", g_variant_new ("(s)", arguments[0]), "(aa{sv})", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);

  g_autoptr (GVariant) rows = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    collet_ctl_print_json ("versions", rows);
  else
    print_versions (rows);
  return COLLET_EXIT_OK;
}

const ColletVerb collet_verb_versions = {
  .name = "versions",
  .arguments = "MODULE",
  .summary = N_ ("List the versions of a module that are kept, to roll back to"),
  .help = N_ (
      "USED is when a version last began or ceased to serve. The rules of colletd keep the last used ones;\n"
      "SAVED says whether a state in the version's own format is kept with it. TRUST says why it was let in, "
      "or\n"
      "that the key that signed it was revoked: then it cannot come back."),
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_versions,
};

/* ---- retain, release ---- */

static ColletExit
set_retained (ColletCtl *ctl, char **arguments, gboolean retain)
{
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  if (collet_change_options.reason != NULL)
    g_variant_builder_add (&options, "{sv}", "reason", g_variant_new_string (collet_change_options.reason));
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "RetainVersion",
                       g_variant_new ("(ssba{sv})", arguments[0], arguments[1], retain, &options), "()",
                       &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  if (ctl->json)
    collet_ctl_print_json ("retained", g_variant_new_boolean (retain));
  else
    g_print ("%s %s: %s\n", arguments[0], arguments[1],
             retain ? _ ("kept for ever") : _ ("left to the rules of retention"));
  return COLLET_EXIT_OK;
}

static ColletExit
run_retain (ColletCtl *ctl, char **arguments)
{
  return set_retained (ctl, arguments, TRUE);
}

static ColletExit
run_release (ColletCtl *ctl, char **arguments)
{
  return set_retained (ctl, arguments, FALSE);
}

static const GOptionEntry retain_options[] = {
  COLLET_CHANGE_REASON,
  { NULL },
};

const ColletVerb collet_verb_retain = {
  .name = "retain",
  .arguments = "MODULE VERSION",
  .summary = N_ ("Keep a version for ever"),
  .help = N_ ("VERSION is a SHA-256, a unique prefix of it of at least 6 digits, or an MD5."),
  .options = retain_options,
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run_retain,
};

const ColletVerb collet_verb_release = {
  .name = "release",
  .arguments = "MODULE VERSION",
  .summary = N_ ("Leave a version that was kept for ever to the rules again"),
  .help = N_ ("The rules may take it away at once."),
  .options = retain_options,
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run_release,
};
