/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * register, unregister, update-version.
 */
#include "collet-style.h"

#include <glib/gi18n.h>
#include "collet-verb.h"

static char *title;
static char *description;
static char *annotations;

/* ---- register ---- */

static void
add_text (GVariantBuilder *metadata, const char *name, const char *value)
{
  if (value != NULL)
    g_variant_builder_add (metadata, "{sv}", name, g_variant_new_string (value));
}

/* The tool as it is now. */
static ColletExit
show_tool (ColletCtl *ctl, const char *name, const char *done)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "GetTool", g_variant_new ("(s)", name), "(a{sv})", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);

  g_autoptr (GVariant) row = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    collet_ctl_print_json ("tool", row);
  else
    g_print ("%s%s%s: %s, \"%s\" of %s %s\n", collet_style_begin (COLLET_PAINT_BOLD, FALSE),
             collet_row_string (row, "Name"), collet_style_end (COLLET_PAINT_BOLD, FALSE), done,
             collet_row_string (row, "ModuleTool"), collet_row_string (row, "Module"),
             collet_row_string (row, "SemanticVersion"));
  return COLLET_EXIT_OK;
}

static ColletExit
run_register (ColletCtl *ctl, char **arguments)
{
  const char *tool = arguments[2] != NULL ? arguments[2] : arguments[0];
  g_autoptr (GError) error = NULL;
  GVariantBuilder metadata;

  g_variant_builder_init (&metadata, G_VARIANT_TYPE ("a{sv}"));
  add_text (&metadata, "title", title);
  add_text (&metadata, "description", description);
  add_text (&metadata, "annotations", annotations);
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "RegisterTool",
                       g_variant_new ("(sssa{sv})", arguments[0], arguments[1], tool, &metadata), "(o)",
                       &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  return show_tool (ctl, arguments[0], _ ("registered"));
}

static const GOptionEntry register_options[] = {
  { "title", 0, 0, G_OPTION_ARG_STRING, &title, N_ ("In place of the manifest's title"), "TEXT" },
  { "description", 0, 0, G_OPTION_ARG_STRING, &description, N_ ("In place of the manifest's description"),
    "TEXT" },
  { "annotations", 0, 0, G_OPTION_ARG_STRING, &annotations,
    N_ ("MCP's tool annotations in place of the manifest's, a JSON object"), "JSON" },
  { NULL },
};

const ColletVerb collet_verb_register = {
  .name = "register",
  .arguments = "NAME MODULE [TOOL]",
  .summary = N_ ("Serve a module's tool under another name, or with other words"),
  .help = N_ (
      "NAME is what clients will call, TOOL the module's own name of the tool, NAME if it is left out.\n"
      "Loading a module serves the tools of its manifest already; this adopts one, or adds a name for it."),
  .options = register_options,
  .min_arguments = 2,
  .max_arguments = 3,
  .run = run_register,
};

/* ---- unregister ---- */

static ColletExit
run_unregister (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "UnregisterTool", g_variant_new ("(s)", arguments[0]), "()", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  if (ctl->json)
    collet_ctl_print_json ("unregistered", g_variant_new_string (arguments[0]));
  else
    g_print (_ ("%s: unregistered\n"), arguments[0]);
  return COLLET_EXIT_OK;
}

const ColletVerb collet_verb_unregister = {
  .name = "unregister",
  .arguments = "NAME",
  .summary = N_ ("Take a name of a tool out of service"),
  .help =
      N_ ("A name that the manifest declares and that was adopted goes back to what the manifest says; any\n"
          "other is not served any more. Calls that run go on to their end."),
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_unregister,
};

/* ---- update-version ---- */

static ColletExit
run_update_version (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "UpdateToolVersion", g_variant_new ("(ss)", arguments[0], arguments[1]), "(bt)",
                       &error);
  gboolean changed;
  guint64 sequence;

  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_variant_get (reply, "(bt)", &changed, &sequence);
  if (ctl->json)
    {
      GVariantBuilder row;

      g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (&row, "{sv}", "tool", g_variant_new_string (arguments[0]));
      g_variant_builder_add (&row, "{sv}", "changed", g_variant_new_boolean (changed));
      g_variant_builder_add (&row, "{sv}", "sequence", g_variant_new_uint64 (sequence));
      collet_ctl_print_json ("update", g_variant_builder_end (&row));
    }
  else
    {
      g_autofree char *update = g_strdup_printf ("%" G_GUINT64_FORMAT, sequence);

      g_print (changed ? _ ("%s: recorded (update %s)\n") : _ ("%s: was recorded already (update %s)\n"),
               arguments[0], update);
    }
  return COLLET_EXIT_OK;
}

const ColletVerb collet_verb_update_version = {
  .name = "update-version",
  .arguments = "TOOL VERSION",
  .summary = N_ ("Record that a tool is at the published version, and tell its subscribers"),
  .help = N_ ("VERSION must be the one that is published: its SHA-256, a unique prefix of it of at least 6\n"
              "digits, or its MD5. If it is recorded already nobody is told a second time."),
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run_update_version,
};
