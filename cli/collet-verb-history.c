/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * history.
 */
#include "collet-reload-view.h"

#include <glib/gi18n.h>
#include "collet-verb.h"

static int limit = 20;
static char *only_state;
static gboolean ids_only;

static void
print_ids (GVariant *rows)
{
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      g_print ("%s\n", collet_row_string (row, "Id"));
    }
}

static ColletExit
run_history (ColletCtl *ctl, char **arguments)
{
  const char *module = arguments[0] != NULL ? arguments[0] : "";
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;

  if (limit <= 0)
    return collet_ctl_fail_usage (ctl, "--limit must be at least 1");
  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  if (only_state != NULL)
    g_variant_builder_add (&options, "{sv}", "state", g_variant_new_string (only_state));
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "GetReloadHistory", g_variant_new ("(sua{sv})", module, (guint)limit, &options),
                       "(aa{sv})", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);

  g_autoptr (GVariant) rows = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    collet_ctl_print_json ("reloads", rows);
  else if (ids_only)
    print_ids (rows);
  else if (g_variant_n_children (rows) == 0)
    g_printerr (_ ("Nothing was changed yet.\n"));
  else
    collet_reload_view_print_table (rows);
  return COLLET_EXIT_OK;
}

static const GOptionEntry history_options[] = {
  { "limit", 'n', 0, G_OPTION_ARG_INT, &limit, N_ ("At most so many, 20 if not given"), "N" },
  { "state", 0, 0, G_OPTION_ARG_STRING, &only_state,
    N_ ("Only those that ended so: succeeded, failed, cancelled, interrupted"), "STATE" },
  { "ids", 0, 0, G_OPTION_ARG_NONE, &ids_only, N_ ("Print the ids alone, a line each"), NULL },
  { NULL },
};

const ColletVerb collet_verb_history = {
  .name = "history",
  .arguments = "[MODULE]",
  .summary = N_ ("List what was changed, the newest first"),
  .help = N_ ("\"reload show ID\" has the details of one."),
  .options = history_options,
  .min_arguments = 0,
  .max_arguments = 1,
  .run = run_history,
};
