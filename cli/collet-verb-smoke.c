/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * smoke: calls that every new version of a module has to answer as given.
 */
#include <stdio.h>

#include <json-glib/json-glib.h>

#include <glib/gi18n.h>

#include "collet-change.h"
#include "collet-error.h"
#include "collet-input.h"
#include "collet-style.h"
#include "collet-verb.h"

#define MAX_TESTS 65536 /* bytes */

static gboolean clear;

static void
print_tests (const char *text)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();

  if (*text == '\0' || !json_parser_load_from_data (parser, text, -1, NULL) ||
      !JSON_NODE_HOLDS_ARRAY (json_parser_get_root (parser)))
    {
      g_printerr (_ ("None are set; those in its manifest run all the same.\n"));
      return;
    }

  JsonArray *tests = json_node_get_array (json_parser_get_root (parser));
  for (guint i = 0; i < json_array_get_length (tests); i++)
    {
      g_autofree char *line = json_to_string (json_array_get_element (tests, i), FALSE);
      g_autofree char *safe = collet_style_dup_safe (line);

      g_print ("%s\n", safe);
    }
}

static ColletExit
show (ColletCtl *ctl, const char *module)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "GetModuleInfo", g_variant_new ("(s)", module), "(a{sv})", &error);

  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_autoptr (GVariant) info = g_variant_get_child_value (reply, 0);
  const char *text = collet_row_string (info, "SmokeTests");
  if (ctl->json)
    printf ("{\"smoke_tests\":%s}\n", *text != '\0' ? text : "[]");
  else
    print_tests (text);
  return COLLET_EXIT_OK;
}

static char *
dup_tests (const char *source, GError **error)
{
  g_autofree char *text = NULL;

  if (g_str_equal (source, "-"))
    return collet_input_read (MAX_TESTS, error);
  if (!g_file_get_contents (source, &text, NULL, error))
    {
      *error = collet_error_convert (*error);
      return NULL;
    }
  return g_steal_pointer (&text);
}

static ColletExit
run_smoke (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *tests = NULL;
  GVariantBuilder options;

  if (clear && arguments[1] != NULL)
    return collet_ctl_fail_usage (ctl, "--clear takes no file");
  if (!clear && arguments[1] == NULL)
    return show (ctl, arguments[0]);

  tests = clear ? g_strdup ("[]") : dup_tests (arguments[1], &error);
  if (tests == NULL)
    return collet_ctl_fail (ctl, error);
  if (!g_utf8_validate (tests, -1, NULL))
    return collet_ctl_fail_usage (ctl, "The tests are not UTF-8");
  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  collet_change_add_reason (&options);
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "SetSmokeTests", g_variant_new ("(ssa{sv})", arguments[0], tests, &options), "()",
                       &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  if (ctl->json)
    printf ("{\"smoke_tests\":%s}\n", tests);
  else
    g_print ("%s: %s\n", arguments[0],
             clear ? _ ("no smoke tests are set any more")
                   : _ ("every new version has to pass these from now on"));
  return COLLET_EXIT_OK;
}

static const GOptionEntry smoke_options[] = {
  { "clear", 0, 0, G_OPTION_ARG_NONE, &clear, N_ ("Set none any more"), NULL },
  COLLET_CHANGE_REASON,
  { NULL },
};

const ColletVerb collet_verb_smoke = {
  .name = "smoke",
  .arguments = "MODULE [FILE | -]",
  .summary = N_ ("Set calls that new versions have to answer as given"),
  .help =
      N_ ("FILE has a JSON array of {\"tool\", \"arguments\", \"result\"}: \"result\" is what MCP's "
          "CallToolResult has\n"
          "to contain. They run beside those in the module's own manifest, before a new version serves; one "
          "that\n"
          "answers otherwise is refused with SmokeTestFailed. Without a FILE those that are set are shown."),
  .options = smoke_options,
  .min_arguments = 1,
  .max_arguments = 2,
  .run = run_smoke,
};
