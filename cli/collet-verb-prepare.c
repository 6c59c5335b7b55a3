/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * prepare, commit, abort: a reload in two phases.
 */
#include "collet-change.h"

#include <glib/gi18n.h>
#include "collet-error.h"
#include "collet-human.h"
#include "collet-prepared-version.h"
#include "collet-reload-view.h"
#include "collet-style.h"
#include "collet-verb.h"

static double expiry_s;

/* ---- prepare ---- */

static void
add_expiry (GVariantBuilder *options)
{
  if (expiry_s > 0)
    g_variant_builder_add (options, "{sv}", "expiry-ms",
                           g_variant_new_uint32 ((guint)MAX (1, MIN (expiry_s * 1000, G_MAXINT))));
}

static void
print_prepared (GVariant *row)
{
  g_autoptr (GVariant) items = g_variant_lookup_value (row, "Items", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) item =
      items != NULL && g_variant_n_children (items) > 0 ? g_variant_get_child_value (items, 0) : NULL;
  gint64 expires_at = collet_row_int (row, "ExpiresAt");
  g_autofree char *left = collet_human_dup_duration (expires_at - g_get_real_time ());

  if (item == NULL)
    return;

  const char *module = collet_row_string (item, "module");
  collet_reload_view_print_outcome (row);
  if (expires_at > 0)
    g_print (_ ("Prepared, and serving nobody; given up in %s.\n"), left);
  else
    g_print (_ ("Prepared, and serving nobody.\n"));
  g_print (
      _ ("%sTry it: colletctl call --prepared=%s TOOL ...   Then: colletctl commit %s, or: colletctl abort "
         "%s%s\n"),
      collet_style_begin (COLLET_PAINT_DIM, FALSE), module, module, module,
      collet_style_end (COLLET_PAINT_DIM, FALSE));
}

static ColletExit
run_prepare (ColletCtl *ctl, char **arguments)
{
  g_autofree char *module =
      arguments[1] != NULL ? g_strdup (arguments[0]) : collet_ctl_dup_source (arguments[0]);
  const char *artifact = arguments[1] != NULL ? arguments[1] : collet_change_options.artifact;
  g_autofree char *source = artifact != NULL ? collet_ctl_dup_source (artifact) : NULL;
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;
  const char *path;

  if (expiry_s < 0)
    return collet_ctl_fail_usage (ctl, "--expiry must be a number of seconds, more than 0");
  g_free (collet_change_options.artifact);
  collet_change_options.artifact = g_steal_pointer (&source);
  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  if (!collet_change_add_options (ctl, &options, &error))
    {
      g_variant_builder_clear (&options);
      error = collet_error_convert (error);
      return collet_ctl_fail (ctl, error);
    }
  add_expiry (&options);
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "PrepareReload", g_variant_new ("(sa{sv})", module, &options), "(os)", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);

  g_variant_get (reply, "(&o&s)", &path, NULL);
  g_autoptr (GVariant) got =
      collet_ctl_call (ctl, "GetReload", g_variant_new ("(s)", path), "(a{sv})", &error);
  if (got == NULL)
    return collet_ctl_fail (ctl, error);
  g_autoptr (GVariant) row = g_variant_get_child_value (got, 0);
  if (ctl->json)
    collet_ctl_print_json ("reload", row);
  else
    print_prepared (row);
  return COLLET_EXIT_OK;
}

static const GOptionEntry prepare_options[] = {
  { "artifact", 'a', 0, G_OPTION_ARG_FILENAME, &collet_change_options.artifact,
    N_ ("The new file, if it is not the one in the module path"), "FILE" },
  { "expiry", 0, 0, G_OPTION_ARG_DOUBLE, &expiry_s,
    N_ ("Give it up if it is not committed after this time (60)"), "SECONDS" },
  COLLET_CHANGE_NEW_VERSION,
  { NULL },
};

const ColletVerb collet_verb_prepare = {
  .name = "prepare",
  .arguments = "MODULE [FILE] | FILE",
  .summary = N_ ("Start a new version beside the one that serves"),
  .help = N_ ("The first half of \"reload\": the new version is stored, proven, started, and its migration "
              "rehearsed on\n"
              "a copy of the state, and it serves nobody. \"call --prepared\" tries it, \"commit\" publishes "
              "exactly it,\n"
              "\"abort\" gives it up, as does its expiry. Meanwhile nothing else may change the module."),
  .options = prepare_options,
  .min_arguments = 1,
  .max_arguments = 2,
  .run = run_prepare,
};

/* ---- commit, abort ---- */

/* The version that was named, or the one there is. */
static char *
dup_version (ColletCtl *ctl, char **arguments, GError **error)
{
  return arguments[1] != NULL ? g_strdup (arguments[1])
                              : collet_prepared_version_dup (ctl, arguments[0], error);
}

static GVariant *
build_options (void)
{
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  collet_change_add_reason (&options);
  if (collet_change_options.expect_version != NULL)
    g_variant_builder_add (&options, "{sv}", "expect-version",
                           g_variant_new_string (collet_change_options.expect_version));
  return g_variant_builder_end (&options);
}

static ColletExit
run_commit (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *version = dup_version (ctl, arguments, &error);

  if (version == NULL)
    return collet_ctl_fail (ctl, error);
  return collet_change_run_with (ctl, "CommitReload", g_variant_new ("(ss)", arguments[0], version),
                                 build_options ());
}

static const GOptionEntry commit_options[] = {
  COLLET_CHANGE_REASON, COLLET_CHANGE_EXPECT, COLLET_CHANGE_NO_WAIT, { NULL }
};

const ColletVerb collet_verb_commit = {
  .name = "commit",
  .arguments = "MODULE [VERSION]",
  .summary = N_ ("Publish a prepared version"),
  .help =
      N_ ("Exactly the bytes that were prepared. VERSION makes sure that it is that one. Its owner, root and "
          "the\n"
          "user who runs the daemon may."),
  .options = commit_options,
  .min_arguments = 1,
  .max_arguments = 2,
  .run = run_commit,
};

static ColletExit
run_abort (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *version = dup_version (ctl, arguments, &error);
  const char *path;

  if (version == NULL)
    return collet_ctl_fail (ctl, error);
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "AbortReload",
                       g_variant_new ("(ss@a{sv})", arguments[0], version, build_options ()), "(o)", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);

  g_variant_get (reply, "(&o)", &path);
  g_autoptr (GVariant) got =
      collet_ctl_call (ctl, "GetReload", g_variant_new ("(s)", path), "(a{sv})", &error);
  if (got == NULL)
    return collet_ctl_fail (ctl, error);
  g_autoptr (GVariant) row = g_variant_get_child_value (got, 0);
  if (ctl->json)
    collet_ctl_print_json ("reload", row);
  else
    g_print ("%s: %s\n", arguments[0], collet_row_string (row, "ErrorMessage"));
  return COLLET_EXIT_OK;
}

static const GOptionEntry abort_options[] = { COLLET_CHANGE_REASON, { NULL } };

const ColletVerb collet_verb_abort = {
  .name = "abort",
  .arguments = "MODULE [VERSION]",
  .summary = N_ ("Give a prepared version up"),
  .help = N_ ("What runs goes on. Who may commit it may give it up."),
  .options = abort_options,
  .min_arguments = 1,
  .max_arguments = 2,
  .run = run_abort,
};
