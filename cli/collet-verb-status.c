/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * status, version.
 */
#include "collet-config.h"

#include <glib/gi18n.h>
#include "collet-human.h"
#include "collet-style.h"
#include "collet-variant-json.h"
#include "collet-verb.h"

static char *
dup_counts (GVariant *properties, const char *const *names)
{
  g_autoptr (GVariant) counts = g_variant_lookup_value (properties, "Counts", G_VARIANT_TYPE ("a{st}"));
  GString *text = g_string_new (NULL);

  for (guint i = 0; counts != NULL && names[i] != NULL; i++)
    {
      guint64 n = 0;
      if (g_variant_lookup (counts, names[i], "t", &n))
        g_string_append_printf (text, "%s%" G_GUINT64_FORMAT " %s", text->len > 0 ? ", " : "", n,
                                _ (names[i]));
    }
  return g_string_free (text, FALSE);
}

static void
print_status (ColletCtl *ctl, GVariant *properties)
{
  static const char *const present[] = {
    N_ ("modules"),         N_ ("tools"), N_ ("workers"), N_ ("sessions"), N_ ("in-flight"),
    N_ ("running-reloads"), NULL
  };
  static const char *const so_far[] = { N_ ("calls"),   N_ ("errors"),          N_ ("crashes"),
                                        N_ ("reloads"), N_ ("dropped-records"), NULL };
  const char *state = collet_row_string (properties, "State");
  gboolean is_session = collet_client_get_bus (ctl->client) == COLLET_CLIENT_BUS_SESSION;
  g_auto (GStrv) warnings = NULL;
  g_autofree char *pid = g_strdup_printf ("%" G_GINT64_FORMAT, collet_row_int (properties, "Pid"));

  collet_style_print_field ("daemon",
                            g_strdup_printf (_ ("colletd %s, process %s, %s bus"),
                                             collet_row_string (properties, "Version"), pid,
                                             is_session ? _ ("session") : _ ("system")),
                            COLLET_PAINT_NONE);
  collet_style_print_field ("state", g_strdup (state), collet_style_of_state (state));
  collet_style_print_field (
      "started", collet_human_dup_age (collet_row_int (properties, "StartedAt"), g_get_real_time ()),
      COLLET_PAINT_NONE);
  collet_style_print_field ("MCP", collet_row_dup_list (properties, "McpAddresses"), COLLET_PAINT_BOLD);
  collet_style_print_field ("node",
                            g_strdup_printf ("%s (%s)", collet_row_string (properties, "NodeName"),
                                             collet_row_string (properties, "ClusterState")),
                            COLLET_PAINT_NONE);
  collet_style_print_field ("data", g_strdup (collet_row_string (properties, "DataFolder")),
                            COLLET_PAINT_NONE);
  collet_style_print_field ("worker user", g_strdup (collet_row_string (properties, "WorkerUser")),
                            COLLET_PAINT_NONE);
  collet_style_print_field ("module path", collet_row_dup_list (properties, "ModulePath"), COLLET_PAINT_NONE);
  collet_style_print_field ("now", dup_counts (properties, present), COLLET_PAINT_NONE);
  collet_style_print_field ("so far", dup_counts (properties, so_far), COLLET_PAINT_NONE);
  g_variant_lookup (properties, "Warnings", "^as", &warnings);
  for (guint i = 0; warnings != NULL && warnings[i] != NULL; i++)
    collet_style_print_field ("warning", g_strdup (warnings[i]), COLLET_PAINT_WARN);
}

static ColletExit
run_status (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  ColletClient *client = collet_ctl_get_client (ctl, &error);
  g_autoptr (GVariant) properties = client != NULL ? collet_client_get_properties (client, &error) : NULL;

  if (properties == NULL)
    return collet_ctl_fail (ctl, error);
  if (ctl->json)
    collet_ctl_print_json ("daemon", properties);
  else
    print_status (ctl, properties);
  return COLLET_EXIT_OK;
}

const ColletVerb collet_verb_status = {
  .name = "status",
  .arguments = "",
  .summary = N_ ("Say how the daemon is, and where it serves"),
  .help = N_ ("Warnings, if there are any, say what needs an administrator."),
  .run = run_status,
};

/* Works without a daemon. */
static ColletExit
run_version (ColletCtl *ctl, char **arguments)
{
  ColletClient *client = collet_ctl_get_client (ctl, NULL);
  g_autoptr (GVariant) properties = client != NULL ? collet_client_get_properties (client, NULL) : NULL;
  const char *daemon = properties != NULL ? collet_row_string (properties, "Version") : NULL;

  if (ctl->json)
    {
      g_autoptr (GString) out = g_string_new (daemon != NULL ? NULL : "null");
      if (daemon != NULL)
        collet_variant_json_append_string (out, daemon);
      g_print ("{\"version\":\"" COLLET_VERSION "\",\"daemon\":%s}\n", out->str);
    }
  else
    g_print (_ ("colletctl %s\n%s%s\n"), COLLET_VERSION, daemon != NULL ? "colletd " : "no daemon is running",
             daemon != NULL ? daemon : "");
  return COLLET_EXIT_OK;
}

const ColletVerb collet_verb_version = {
  .name = "version",
  .arguments = "",
  .summary = N_ ("Print the versions of colletctl and of the daemon"),
  .help = N_ ("Works without a daemon as well."),
  .run = run_version,
};
