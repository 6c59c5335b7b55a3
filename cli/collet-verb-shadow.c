/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * shadow: does a prepared version answer as the one that serves has?
 */
#include "collet-prepared-version.h"

#include <glib/gi18n.h>
#include "collet-style.h"
#include "collet-verb.h"

static int limit;
static char *tool;

static void
print_line (const char *name, GVariant *row, const char *member, ColletPaint paint)
{
  g_autofree char *safe = collet_style_dup_safe (collet_row_string (row, member));

  g_print ("  %-5s %s%s%s\n", name, collet_style_begin (paint, FALSE), safe, collet_style_end (paint, FALSE));
}

static void
print_differences (gboolean equal, GVariant *rows)
{
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      g_autofree char *arguments = collet_style_dup_safe (collet_row_string (row, "arguments"));

      g_print ("%s%s%s %s\n", collet_style_begin (COLLET_PAINT_BOLD, FALSE), collet_row_string (row, "tool"),
               collet_style_end (COLLET_PAINT_BOLD, FALSE), arguments);
      print_line (_ ("old"), row, "old", COLLET_PAINT_NONE);
      print_line (_ ("new"), row, "new", COLLET_PAINT_WARN);
    }
  if (equal)
    g_print (_ ("Every recorded call is answered as before.\n"));
  else
    g_print (ngettext ("%u recorded call is answered otherwise.\n",
                       "%u recorded calls are answered otherwise.\n", g_variant_n_children (rows)),
             (guint)g_variant_n_children (rows));
}

static ColletExit
run_shadow (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *version = NULL;
  GVariantBuilder options;
  gboolean equal;

  if (limit < 0)
    return collet_ctl_fail_usage (ctl, "--limit must be a number, more than 0");
  version = arguments[1] != NULL ? g_strdup (arguments[1])
                                 : collet_prepared_version_dup (ctl, arguments[0], &error);
  if (version == NULL)
    return collet_ctl_fail (ctl, error);

  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  if (limit > 0)
    g_variant_builder_add (&options, "{sv}", "limit", g_variant_new_uint32 ((guint32)limit));
  if (tool != NULL)
    g_variant_builder_add (&options, "{sv}", "tool", g_variant_new_string (tool));
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "ShadowCheck", g_variant_new ("(ssa{sv})", arguments[0], version, &options),
                       "(baa{sv})", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);

  g_autoptr (GVariant) rows = NULL;
  g_variant_get (reply, "(b@aa{sv})", &equal, &rows);
  if (ctl->json)
    {
      g_autoptr (GVariant) shadow = g_variant_ref_sink (
          g_variant_new_parsed ("{'Equal': <%b>, 'Differences': <%@aa{sv}>}", equal, rows));
      collet_ctl_print_json ("shadow", shadow);
    }
  else
    print_differences (equal, rows);
  return equal ? COLLET_EXIT_OK : COLLET_EXIT_FAILED;
}

static const GOptionEntry shadow_options[] = {
  { "limit", 'n', 0, G_OPTION_ARG_INT, &limit, N_ ("At most so many of the newest calls (100)"), "N" },
  { "tool", 0, 0, G_OPTION_ARG_STRING, &tool, N_ ("Calls of this tool only, by the module's own name of it"),
    "TOOL" },
  { NULL },
};

const ColletVerb collet_verb_shadow = {
  .name = "shadow",
  .arguments = "MODULE [VERSION]",
  .summary = N_ ("Ask a prepared version what clients have asked before"),
  .help = N_ (
      "Calls of read-only tools that were recorded (shadow.calls in colletd.conf) are made again, of the\n"
      "version that is prepared, and what it answers otherwise is shown. Exit status 1 if anything is."),
  .options = shadow_options,
  .min_arguments = 1,
  .max_arguments = 2,
  .run = run_shadow,
};
