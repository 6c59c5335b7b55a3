/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * reload (with show, watch and cancel), rollback.
 */
#include "collet-bus.h"

#include <glib/gi18n.h>
#include "collet-change.h"
#include "collet-reload-view.h"
#include "collet-verb.h"

#define MAX_GROUP 4096

/* ---- reloads by their id ---- */

static GVariant *
get_reload (ColletCtl *ctl, const char *id, GError **error)
{
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "GetReload", g_variant_new ("(s)", id), "(a{sv})", error);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

static ColletExit
show (ColletCtl *ctl, const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) row = get_reload (ctl, id, &error);

  if (row == NULL)
    return collet_ctl_fail (ctl, error);
  if (ctl->json)
    collet_ctl_print_json ("reload", row);
  else
    collet_reload_view_print_detail (row);
  return COLLET_EXIT_OK;
}

/* One that has ended is not an object any more, after a while. */
static ColletExit
watch (ColletCtl *ctl, const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) row = get_reload (ctl, id, &error);

  if (row == NULL)
    return collet_ctl_fail (ctl, error);
  if (g_str_equal (collet_row_string (row, "State"), "running"))
    {
      g_autofree char *path = collet_bus_dup_path (COLLET_BUS_RELOADS, collet_row_string (row, "Id"));
      return collet_change_follow (ctl, path);
    }
  if (ctl->json)
    collet_ctl_print_json ("reload", row);
  else
    collet_reload_view_print_detail (row);
  return g_str_equal (collet_row_string (row, "State"), "succeeded") ? COLLET_EXIT_OK : COLLET_EXIT_FAILED;
}

static ColletExit
cancel (ColletCtl *ctl, const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) row = get_reload (ctl, id, &error);

  if (row == NULL)
    return collet_ctl_fail (ctl, error);
  g_autofree char *path = collet_bus_dup_path (COLLET_BUS_RELOADS, collet_row_string (row, "Id"));
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_sync (collet_client_get_connection (ctl->client), COLLET_BUS_NAME, path,
                                   "org.collet.Collet1.Reload", "Cancel", NULL, NULL, G_DBUS_CALL_FLAGS_NONE,
                                   (int)collet_ctl_get_timeout_ms (ctl, 60000), NULL, &error);
  if (reply == NULL)
    {
      error = collet_client_convert_error (error);
      return collet_ctl_fail (ctl, error);
    }
  return show (ctl, collet_row_string (row, "Id"));
}

/* ---- reload ---- */

static ColletExit
reload_one (ColletCtl *ctl, const char *module)
{
  g_autofree char *source = collet_ctl_dup_source (module);

  if (collet_change_options.artifact != NULL)
    {
      g_autofree char *given = collet_change_options.artifact;

      collet_change_options.artifact = collet_ctl_dup_source (given);
      return collet_change_run (ctl, "HotReload", g_variant_new ("(s)", module));
    }
  return collet_change_run (ctl, "HotReload", g_variant_new ("(s)", source));
}

static gboolean
is_file (const char *argument)
{
  return strchr (argument, G_DIR_SEPARATOR) != NULL || g_str_has_suffix (argument, ".so");
}

static ColletExit
run_reload (ColletCtl *ctl, char **arguments)
{
  guint n = g_strv_length (arguments);
  GVariantBuilder modules;

  /* Its end may be days away; it is there when some callers have it. */
  if (collet_change_options.canary_percent != 0 || collet_change_options.canary_callers != NULL)
    collet_change_options.until_phase = "canary";
  if (n == 1)
    return reload_one (ctl, arguments[0]);
  if (n == 2 && !is_file (arguments[0]) && is_file (arguments[1]) && collet_change_options.artifact == NULL)
    {
      collet_change_options.artifact = g_strdup (arguments[1]);
      return reload_one (ctl, arguments[0]);
    }
  if (n == 2 && g_str_equal (arguments[0], "show"))
    return show (ctl, arguments[1]);
  if (n == 2 && g_str_equal (arguments[0], "watch"))
    return watch (ctl, arguments[1]);
  if (n == 2 && g_str_equal (arguments[0], "cancel"))
    return cancel (ctl, arguments[1]);
  if (collet_change_options.artifact != NULL || collet_change_options.expect_version != NULL)
    return collet_ctl_fail_usage (ctl, "--artifact and --expect-version go with one module only");

  g_variant_builder_init (&modules, G_VARIANT_TYPE ("as"));
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *source = collet_ctl_dup_source (arguments[i]);
      g_variant_builder_add (&modules, "s", source);
    }
  return collet_change_run (ctl, "ReloadModules", g_variant_new ("(as)", &modules));
}

static const GOptionEntry reload_options[] = {
  { "artifact", 'a', 0, G_OPTION_ARG_FILENAME, &collet_change_options.artifact,
    N_ ("The new file, if it is not the one in the module path"), "FILE" },
  COLLET_CHANGE_NEW_VERSION,
  { "canary", 0, 0, G_OPTION_ARG_INT, &collet_change_options.canary_percent,
    N_ ("Give the new version to this part of the callers, until \"promote\" or \"revert\""), "PERCENT" },
  { "canary-caller", 0, 0, G_OPTION_ARG_STRING_ARRAY, &collet_change_options.canary_callers,
    N_ ("And to this client or session; may be repeated"), "NAME" },
  COLLET_CHANGE_NO_WAIT,
  { NULL },
};

const ColletVerb collet_verb_reload = {
  .name = "reload",
  .arguments = "MODULE [FILE] | FILE | MODULE... | show ID | watch ID | cancel ID",
  .summary = N_ ("Replace a module's code while it is being called"),
  .help = N_ (
      "The state is migrated by the new code; if anything fails the old code goes on with the old state.\n"
      "Several modules are replaced as a group, in the order of their dependencies.\n"
      "\n"
      "show prints a reload, watch stays with it until it has ended, cancel undoes one that has not come\n"
      "to its point of no return. An ID may be shortened to at least 4 digits."),
  .options = reload_options,
  .min_arguments = 1,
  .max_arguments = MAX_GROUP,
  .run = run_reload,
};

/* ---- rollback ---- */

static ColletExit
run_rollback (ColletCtl *ctl, char **arguments)
{
  const char *version = arguments[1] != NULL ? arguments[1] : "";

  return collet_change_run (ctl, "RollbackModule", g_variant_new ("(ss)", arguments[0], version));
}

static const GOptionEntry rollback_options[] = {
  COLLET_CHANGE_STATE,  COLLET_CHANGE_REASON,   COLLET_CHANGE_HOST,
  COLLET_CHANGE_EXPECT, COLLET_CHANGE_BREAKING, COLLET_CHANGE_GRACE,
  COLLET_CHANGE_DRAIN,  COLLET_CHANGE_NO_WAIT,  { NULL },
};

const ColletVerb collet_verb_rollback = {
  .name = "rollback",
  .arguments = "MODULE [VERSION]",
  .summary = N_ ("Go back to an earlier version of a module"),
  .help = N_ (
      "Without a VERSION it is the one before the present. VERSION is a SHA-256, a unique prefix of it of\n"
      "at least 6 digits, or an MD5."),
  .options = rollback_options,
  .min_arguments = 1,
  .max_arguments = 2,
  .run = run_rollback,
};
