/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * modules, tools.
 */
#include "collet-human.h"

#include <glib/gi18n.h>
#include "collet-style.h"
#include "collet-table.h"
#include "collet-verb.h"

static gboolean names_only;
static char *only_state;
static char *only_module;

#define NAMES_ONLY                                                                                           \
  {                                                                                                          \
    "names", 0, 0, G_OPTION_ARG_NONE, &names_only, N_ ("Print the names alone, a line each"), NULL           \
  }

static void
print_names (GVariant *rows)
{
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      g_print ("%s\n", collet_row_string (row, "Name"));
    }
}

/* One option of the method, or none. */
static GVariant *
build_filter (const char *name, const char *value)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{sv}"));
  if (value != NULL)
    g_variant_builder_add (&builder, "{sv}", name, g_variant_new_string (value));
  return g_variant_new ("(a{sv})", &builder);
}

static ColletExit
list (ColletCtl *ctl, const char *method, GVariant *arguments, const char *name,
      void (*print) (GVariant *rows))
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = collet_ctl_call (ctl, method, arguments, "(aa{sv})", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);

  g_autoptr (GVariant) rows = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    collet_ctl_print_json (name, rows);
  else if (names_only)
    print_names (rows);
  else
    print (rows);
  return COLLET_EXIT_OK;
}

static ColletExit
show (ColletCtl *ctl, const char *method, const char *what, const char *name, void (*print) (GVariant *row))
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = collet_ctl_call (ctl, method, g_variant_new ("(s)", what), "(a{sv})", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);

  g_autoptr (GVariant) row = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    collet_ctl_print_json (name, row);
  else
    print (row);
  return COLLET_EXIT_OK;
}

static void
print_field (const char *name, char *value)
{
  collet_style_print_field (name, value, COLLET_PAINT_NONE);
}

static char *
dup_count (GVariant *row, const char *name)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT, collet_row_int (row, name));
}

static char *
dup_string (GVariant *row, const char *name)
{
  return g_strdup (collet_row_string (row, name));
}

/* ---- modules ---- */

static void
print_modules (GVariant *rows)
{
  g_autoptr (ColletTable) table =
      collet_table_new (N_ ("MODULE"), N_ ("VERSION"), N_ ("SHA256"), N_ ("STATE"), N_ ("HOST"), N_ (">GEN"),
                        N_ (">CALLS"), N_ (">ERRORS"), N_ ("LOADED"), N_ ("NOTE"), NULL);
  gint64 now = g_get_real_time ();

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      gint64 errors = collet_row_int (row, "Errors");
      const char *verdict = collet_row_string (row, "Verdict");

      collet_table_add (table, dup_string (row, "Name"), COLLET_PAINT_BOLD);
      collet_table_add_copy (table, collet_row_string (row, "SemanticVersion"));
      collet_table_add (table, collet_human_dup_hash (collet_row_string (row, "Version")), COLLET_PAINT_DIM);
      collet_table_add_state (table, collet_row_string (row, "State"));
      collet_table_add_copy (table, collet_row_string (row, "Host"));
      collet_table_add (table, dup_count (row, "Generation"), COLLET_PAINT_NONE);
      collet_table_add (table, dup_count (row, "Calls"), COLLET_PAINT_NONE);
      collet_table_add (table, dup_count (row, "Errors"), errors > 0 ? COLLET_PAINT_WARN : COLLET_PAINT_NONE);
      collet_table_add (table, collet_human_dup_age (collet_row_int (row, "LoadedAt"), now),
                        COLLET_PAINT_NONE);
      collet_table_add (table, dup_string (row, "VerdictMessage"), collet_style_of_state (verdict));
    }
  collet_table_print (table);
  if (g_variant_n_children (rows) == 0)
    g_printerr (_ ("No module is loaded.\n"));
}

/* "12 s ago: up to 850 ms of changes" */
static char *
dup_loss (GVariant *row, gint64 now)
{
  g_autofree char *when = collet_human_dup_age (collet_row_int (row, "StateRestoredAt"), now);
  gint64 lost_us = collet_row_int (row, "StateLostUs");
  g_autofree char *lost = collet_human_dup_duration (lost_us);

  if (lost_us < 0)
    return g_strdup_printf (_ ("%s, by a crash: all of it, it had never been saved"), when);
  return g_strdup_printf (_ ("%s, by a crash: up to %s of changes"), when, lost);
}

/* Until when calls as before are taken, one line a version. */
static void
print_former (GVariant *row, gint64 now)
{
  g_autoptr (GVariant) versions = g_variant_lookup_value (row, "FormerVersions", G_VARIANT_TYPE ("a(sx)"));
  GVariantIter iter;
  const char *sha256;
  gint64 until;

  if (versions == NULL)
    return;
  g_variant_iter_init (&iter, versions);
  while (g_variant_iter_next (&iter, "(&sx)", &sha256, &until))
    if (until > now)
      print_field ("calls taken as of",
                   g_strdup_printf (_ ("%.12s, for %.0f s more"), sha256, (double)(until - now) / 1e6));
}

/* What its confinement refused it, one line a system call. */
static void
print_refusals (GVariant *row)
{
  g_autoptr (GVariant) refusals = g_variant_lookup_value (row, "Refusals", G_VARIANT_TYPE ("a(st)"));
  GVariantIter iter;
  const char *system_call;
  guint64 times;

  if (refusals == NULL)
    return;
  g_variant_iter_init (&iter, refusals);
  while (g_variant_iter_next (&iter, "(&st)", &system_call, &times))
    print_field ("refused",
                 g_strdup_printf (ngettext ("%s, once", "%s, %lu times", times), system_call, (gulong)times));
}

static void
print_module (GVariant *row)
{
  gint64 now = g_get_real_time ();
  g_autofree char *tools = collet_row_dup_list (row, "Tools");
  g_autofree char *needs = collet_row_dup_list (row, "Requires");
  g_autofree char *size = collet_human_dup_size ((guint64)collet_row_int (row, "Size"));

  print_field ("module", dup_string (row, "Name"));
  print_field ("description", dup_string (row, "Description"));
  print_field ("license", dup_string (row, "License"));
  print_field ("version", dup_string (row, "SemanticVersion"));
  print_field ("sha256", dup_string (row, "Version"));
  print_field ("md5", dup_string (row, "Md5"));
  print_field ("code digest", dup_string (row, "CodeDigest"));
  print_field ("build id", dup_string (row, "BuildId"));
  print_field ("signer", collet_row_bool (row, "SignerRevoked")
                             ? g_strdup_printf (_ ("%s, whose key was revoked"),
                                                *collet_row_string (row, "Signer") != '\0'
                                                    ? collet_row_string (row, "Signer")
                                                    : _ ("somebody unknown"))
                             : dup_string (row, "Signer"));
  print_field ("size", g_strdup (size));
  print_field ("state", dup_string (row, "State"));
  print_field ("host", dup_string (row, "Host"));
  if (*collet_row_string (row, "Quick") != '\0')
    print_field ("quick", dup_string (row, "Quick"));
  print_field ("generation", dup_count (row, "Generation"));
  print_field ("stateful",
               collet_row_bool (row, "Stateful")
                   ? g_strdup_printf (_ ("yes, format %u"), (guint)collet_row_int (row, "StateFormat"))
                   : g_strdup (_ ("no")));
  if (collet_row_bool (row, "Stateful"))
    print_field ("state saved", collet_human_dup_age (collet_row_int (row, "StateSavedAt"), now));
  if (collet_row_int (row, "StateRestoredAt") > 0)
    print_field ("state lost", dup_loss (row, now));
  print_field ("tools", g_strdup (tools));
  print_field ("requires", g_strdup (needs));
  print_field ("previous", dup_string (row, "PreviousVersion"));
  print_field ("candidate", dup_string (row, "CandidateVersion"));
  print_field ("on disk", dup_string (row, "OnDisk"));
  print_field ("pid", dup_count (row, "Pid"));
  print_field ("calls", dup_count (row, "Calls"));
  print_field ("in flight", dup_count (row, "InFlight"));
  print_field ("errors", dup_count (row, "Errors"));
  if (collet_row_int (row, "FormerCalls") > 0)
    print_field ("calls as before", dup_count (row, "FormerCalls"));
  print_field ("crashes", dup_count (row, "Crashes"));
  print_refusals (row);
  print_former (row, now);
  g_autofree char *resident = collet_row_dup_list (row, "ResidentVersions");
  if (*resident != '\0')
    print_field ("in memory still", g_strdup (resident));
  print_field ("loaded", collet_human_dup_age (collet_row_int (row, "LoadedAt"), now));
  print_field ("verdict", dup_string (row, "Verdict"));
  print_field ("", dup_string (row, "VerdictMessage"));
}

static ColletExit
run_modules (ColletCtl *ctl, char **arguments)
{
  if (arguments[0] != NULL)
    return show (ctl, "GetModuleInfo", arguments[0], "module", print_module);
  return list (ctl, "ListModules", build_filter ("state", only_state), "modules", print_modules);
}

static const GOptionEntry modules_options[] = {
  { "state", 0, 0, G_OPTION_ARG_STRING, &only_state, N_ ("Only modules in that state"), "STATE" },
  NAMES_ONLY,
  { NULL },
};

const ColletVerb collet_verb_modules = {
  .name = "modules",
  .arguments = "[MODULE]",
  .summary = N_ ("List the loaded modules, or show one"),
  .help = N_ (
      "States: cold (starts with its first call), starting, running, restarting, broken, draining, drained."),
  .options = modules_options,
  .min_arguments = 0,
  .max_arguments = 1,
  .run = run_modules,
};

/* ---- tools ---- */

static void
print_tools (GVariant *rows)
{
  g_autoptr (ColletTable) table = collet_table_new (N_ ("TOOL"), N_ ("MODULE"), N_ ("VERSION"), N_ (">CALLS"),
                                                    N_ (">ERRORS"), N_ ("DESCRIPTION"), NULL);

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      const char *title = collet_row_string (row, "Title");

      collet_table_add (table, dup_string (row, "Name"), COLLET_PAINT_BOLD);
      collet_table_add_copy (table, collet_row_string (row, "Module"));
      collet_table_add_copy (table, collet_row_string (row, "SemanticVersion"));
      collet_table_add (table, dup_count (row, "Calls"), COLLET_PAINT_NONE);
      collet_table_add (table, dup_count (row, "Errors"),
                        collet_row_int (row, "Errors") > 0 ? COLLET_PAINT_WARN : COLLET_PAINT_NONE);
      collet_table_add_copy (table, *title != '\0' ? title : collet_row_string (row, "Description"));
    }
  collet_table_print (table);
  if (g_variant_n_children (rows) == 0)
    g_printerr (_ ("No tool is served.\n"));
}

static void
print_tool (GVariant *row)
{
  gint64 now = g_get_real_time ();

  print_field ("tool", dup_string (row, "Name"));
  print_field ("title", dup_string (row, "Title"));
  print_field ("description", dup_string (row, "Description"));
  print_field ("module", dup_string (row, "Module"));
  print_field ("module's name", dup_string (row, "ModuleTool"));
  print_field ("version", dup_string (row, "SemanticVersion"));
  print_field ("sha256", dup_string (row, "Version"));
  print_field ("input schema", dup_string (row, "InputSchema"));
  print_field ("output schema", dup_string (row, "OutputSchema"));
  print_field ("annotations", dup_string (row, "Annotations"));
  print_field ("updated", collet_human_dup_age (collet_row_int (row, "UpdatedAt"), now));
  print_field ("calls", dup_count (row, "Calls"));
  print_field ("errors", dup_count (row, "Errors"));
  if (collet_row_int (row, "FormerCalls") > 0)
    print_field ("calls as before", dup_count (row, "FormerCalls"));
  print_field ("subscribers", dup_count (row, "Subscribers"));
}

static ColletExit
run_tools (ColletCtl *ctl, char **arguments)
{
  if (arguments[0] != NULL)
    return show (ctl, "GetTool", arguments[0], "tool", print_tool);
  return list (ctl, "ListTools", build_filter ("module", only_module), "tools", print_tools);
}

static const GOptionEntry tools_options[] = {
  { "module", 'm', 0, G_OPTION_ARG_STRING, &only_module, N_ ("Only the tools of that module"), "MODULE" },
  NAMES_ONLY,
  { NULL },
};

const ColletVerb collet_verb_tools = {
  .name = "tools",
  .arguments = "[TOOL]",
  .summary = N_ ("List the tools that clients can call, or show one"),
  .help = N_ ("Shown alone, a tool comes with the JSON Schema of its arguments."),
  .options = tools_options,
  .min_arguments = 0,
  .max_arguments = 1,
  .run = run_tools,
};
