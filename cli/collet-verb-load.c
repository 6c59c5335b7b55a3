/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * validate, load, unload.
 */
#include <string.h>

#include <glib/gi18n.h>

#include "collet-change.h"
#include "collet-human.h"
#include "collet-style.h"
#include "collet-variant-json.h"
#include "collet-verb.h"

#define MAX_BATCH 4096

/* ---- validate ---- */

static void
print_facts (const char *source, gboolean valid, GVariant *facts)
{
  const char *name = collet_row_string (facts, "name");
  const char *verdict = collet_row_string (facts, "verdict");
  g_autofree char *hash = collet_human_dup_hash (collet_row_string (facts, "sha256"));
  g_autofree char *size = collet_human_dup_size ((guint64)collet_row_int (facts, "size"));
  ColletPaint paint = valid ? COLLET_PAINT_GOOD : COLLET_PAINT_BAD;

  g_print ("%s: %s%s%s", source, collet_style_begin (paint, FALSE), valid ? _ ("valid") : _ ("refused"),
           collet_style_end (paint, FALSE));
  if (*name != '\0')
    g_print ("  %s %s  (%s, %s)%s%s", name, collet_row_string (facts, "version"), hash, size,
             *verdict != '\0' ? "  " : "", verdict);
  g_print ("\n");
}

static void
print_check (GVariant *check)
{
  const char *outcome = collet_row_string (check, "outcome");
  g_autofree char *evidence = collet_style_dup_safe (collet_row_string (check, "evidence"));
  g_autofree char *remedy = collet_style_dup_safe (collet_row_string (check, "remedy"));
  ColletPaint paint = collet_style_of_state (outcome);

  g_print ("  %s%-8s%s %-18s %s\n", collet_style_begin (paint, FALSE), outcome,
           collet_style_end (paint, FALSE), collet_row_string (check, "check"), evidence);
  if (*remedy != '\0' && !g_str_equal (outcome, "passed"))
    g_print ("  %-8s %-18s %s%s%s\n", "", "", collet_style_begin (COLLET_PAINT_DIM, FALSE), remedy,
             collet_style_end (COLLET_PAINT_DIM, FALSE));
}

static void
print_report (const char *source, gboolean valid, GVariant *facts, GVariant *checks)
{
  print_facts (source, valid, facts);
  for (gsize i = 0; i < g_variant_n_children (checks); i++)
    {
      g_autoptr (GVariant) check = g_variant_get_child_value (checks, i);
      print_check (check);
    }
}

/* Members "source" and "valid" beside what the daemon gave. */
static GVariant *
build_candidate (const char *source, gboolean valid, GVariant *facts, GVariant *checks)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{sv}"));
  g_variant_builder_add (&builder, "{sv}", "source", g_variant_new_string (source));
  g_variant_builder_add (&builder, "{sv}", "valid", g_variant_new_boolean (valid));
  g_variant_builder_add (&builder, "{sv}", "facts", facts);
  g_variant_builder_add (&builder, "{sv}", "checks", checks);
  return g_variant_builder_end (&builder);
}

static ColletExit
run_validate (ColletCtl *ctl, char **arguments)
{
  ColletExit status = COLLET_EXIT_OK;
  GVariantBuilder candidates;

  g_variant_builder_init (&candidates, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; arguments[i] != NULL; i++)
    {
      g_autofree char *source = collet_ctl_dup_source (arguments[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply =
          collet_ctl_call (ctl, "ValidateModule", g_variant_new ("(sa{sv})", source, NULL), "(ba{sv}aa{sv})",
                           &error);
      gboolean valid;
      if (reply == NULL)
        {
          g_variant_builder_clear (&candidates);
          return collet_ctl_fail (ctl, error);
        }

      g_autoptr (GVariant) facts = NULL;
      g_autoptr (GVariant) checks = NULL;
      g_variant_get (reply, "(b@a{sv}@aa{sv})", &valid, &facts, &checks);
      if (!valid)
        status = COLLET_EXIT_FAILED;
      if (!ctl->json)
        print_report (arguments[i], valid, facts, checks);
      g_variant_builder_add_value (&candidates, build_candidate (source, valid, facts, checks));
    }

  g_autoptr (GVariant) rows = g_variant_ref_sink (g_variant_builder_end (&candidates));
  if (ctl->json)
    collet_ctl_print_json ("candidates", rows);
  return status;
}

const ColletVerb collet_verb_validate = {
  .name = "validate",
  .arguments = "FILE...",
  .summary = N_ ("Check module files without loading them"),
  .help = N_ (
      "Each file is copied, read and loaded for trial in a confined process, as \"load\" would do, but\n"
      "nothing is kept or published. Every check is listed with what was found, and what to do about it.\n"
      "Exit status 1 if any file would be refused."),
  .min_arguments = 1,
  .max_arguments = MAX_BATCH,
  .run = run_validate,
};

/* ---- load, unload ---- */

static ColletExit
run_load (ColletCtl *ctl, char **arguments)
{
  guint n = g_strv_length (arguments);
  g_autofree char *first = collet_ctl_dup_source (arguments[0]);
  GVariantBuilder sources;

  if (n == 1)
    return collet_change_run (ctl, "SafeLoad", g_variant_new ("(s)", first));
  if (collet_change_options.expect_version != NULL)
    return collet_ctl_fail_usage (ctl, "--expect-version goes with one module only");
  if (collet_change_options.smoke_tests != NULL)
    return collet_ctl_fail_usage (ctl, "--smoke-tests goes with one module only");

  g_variant_builder_init (&sources, G_VARIANT_TYPE ("as"));
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *source = collet_ctl_dup_source (arguments[i]);
      g_variant_builder_add (&sources, "s", source);
    }
  return collet_change_run (ctl, "SafeLoadBatch", g_variant_new ("(as)", &sources));
}

static const GOptionEntry load_options[] = {
  COLLET_CHANGE_NEW_VERSION,
  COLLET_CHANGE_NO_WAIT,
  { NULL },
};

const ColletVerb collet_verb_load = {
  .name = "load",
  .arguments = "FILE...",
  .summary = N_ ("Load modules, or replace those that are loaded"),
  .help = N_ (
      "A file is a path, or a name in the daemon's module path. Every module is checked as by \"validate\",\n"
      "stored and published with the tools that its manifest declares. Several files are one batch: all are\n"
      "published at one point, or none is. A module that was loaded keeps its state."),
  .options = load_options,
  .min_arguments = 1,
  .max_arguments = MAX_BATCH,
  .run = run_load,
};

static ColletExit
run_unload (ColletCtl *ctl, char **arguments)
{
  return collet_change_run (ctl, "UnloadModule", g_variant_new ("(s)", arguments[0]));
}

static const GOptionEntry unload_options[] = {
  COLLET_CHANGE_REASON, COLLET_CHANGE_EXPECT, COLLET_CHANGE_DRAIN, COLLET_CHANGE_NO_WAIT, { NULL },
};

const ColletVerb collet_verb_unload = {
  .name = "unload",
  .arguments = "MODULE",
  .summary = N_ ("Take a module and its tools out of service"),
  .help = N_ ("Calls that run go on to their end. Its versions and its last state are kept."),
  .options = unload_options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_unload,
};
