/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * cluster: what the nodes agree on.
 */
#include "collet-change.h"

#include <glib/gi18n.h>
#include "collet-cluster-member.h"
#include "collet-human.h"
#include "collet-table.h"
#include "collet-verb.h"

static char *strategy;
static char *require;
static char **waves;
static int bake_s = -1;
static double max_error_rate = -1;
static gint64 min_calls = -1;
static gboolean auto_revert;
static char *target;
static gboolean clear_overrides;
static gboolean to_the_end;
static ColletClusterMemberOptions member = { .expiry_s = -1 };

/* ---- what runs where ---- */

static const char *const CELL_STATES[] = { "-",        "in-line",   "lagging", "failed",
                                           "override", "preparing", "unknown" };

static void
print_nodes (GVariant *rows)
{
  g_autoptr (ColletTable) table =
      collet_table_new (N_ ("NODE"), N_ ("STATE"), N_ (">MODULES"), N_ (">IN LINE"), N_ ("DAEMON"),
                        N_ ("URL"), N_ ("NOTE"), NULL);

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      g_autoptr (GVariant) counts = g_variant_lookup_value (row, "Counts", G_VARIANT_TYPE ("a{st}"));
      guint64 modules = 0, in_line = 0;

      if (counts != NULL)
        {
          g_variant_lookup (counts, "modules", "t", &modules);
          g_variant_lookup (counts, "in-line", "t", &in_line);
        }
      collet_table_add (table,
                        g_strconcat (collet_row_string (row, "Name"),
                                     collet_row_bool (row, "Self") ? " *" : "", NULL),
                        COLLET_PAINT_BOLD);
      collet_table_add_state (table, collet_row_string (row, "State"));
      collet_table_add (table, g_strdup_printf ("%" G_GUINT64_FORMAT, modules), COLLET_PAINT_NONE);
      collet_table_add (table, g_strdup_printf ("%" G_GUINT64_FORMAT, in_line), COLLET_PAINT_NONE);
      collet_table_add_copy (table, collet_row_string (row, "DaemonVersion"));
      collet_table_add_copy (table, collet_row_string (row, "Url"));
      collet_table_add_copy (table, collet_row_string (row, "Message"));
    }
  collet_table_print (table);
}

/* What keeps it from the agreed version. */
static void
add_why (ColletTable *table, GVariant *row)
{
  const char *error = collet_row_string (row, "error");
  const char *message = collet_row_string (row, "message");

  collet_table_add (table, g_strdup_printf ("%s%s%s", error, *message != '\0' ? ": " : "", message),
                    COLLET_PAINT_NONE);
}

static void
print_versions (GVariant *rows)
{
  g_autoptr (ColletTable) table = collet_table_new (N_ ("NODE"), N_ ("STATE"), N_ ("VERSION"), N_ ("SHA256"),
                                                    N_ (">EPOCH"), N_ ("AGREED"), N_ ("WHY"), NULL);

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

      collet_table_add (table, g_strdup (collet_row_string (row, "node")), COLLET_PAINT_BOLD);
      collet_table_add_state (table, collet_row_string (row, "state"));
      collet_table_add_copy (table, collet_row_string (row, "semantic-version"));
      collet_table_add (table, collet_human_dup_hash (collet_row_string (row, "version")), COLLET_PAINT_DIM);
      collet_table_add (table, g_strdup_printf ("%" G_GINT64_FORMAT, collet_row_int (row, "epoch")),
                        COLLET_PAINT_NONE);
      collet_table_add_copy (table, collet_row_bool (row, "desired") ? _ ("yes") : _ ("no"));
      add_why (table, row);
    }
  collet_table_print (table);
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
  else
    print (rows);
  return COLLET_EXIT_OK;
}

/* The reply of GetMatrix as rows that a reader of JSON finds its way in. */
static GVariant *
unfold_matrix (GVariant *matrix)
{
  g_autofree const char **nodes = NULL;
  g_autofree const char **versions = NULL;
  g_autoptr (GVariantIter) rows = NULL;
  GVariantBuilder all;
  const char *module;
  guint32 agreed;
  guint64 epoch;
  GVariantIter *cells;

  g_variant_get (matrix, "(t^a&s^a&sa(suta(uy)))", NULL, &nodes, &versions, &rows);
  g_variant_builder_init (&all, G_VARIANT_TYPE ("aa{sv}"));
  while (g_variant_iter_next (rows, "(&suta(uy))", &module, &agreed, &epoch, &cells))
    {
      guint n_versions = g_strv_length ((GStrv)versions);
      guint n_nodes = g_strv_length ((GStrv)nodes);
      guint32 version;
      guchar state;

      for (guint i = 0; g_variant_iter_next (cells, "(uy)", &version, &state) && i < n_nodes; i++)
        {
          g_variant_builder_open (&all, G_VARIANT_TYPE ("a{sv}"));
          g_variant_builder_add (&all, "{sv}", "module", g_variant_new_string (module));
          g_variant_builder_add (&all, "{sv}", "epoch", g_variant_new_uint64 (epoch));
          g_variant_builder_add (&all, "{sv}", "agreed",
                                 g_variant_new_string (agreed < n_versions ? versions[agreed] : ""));
          g_variant_builder_add (&all, "{sv}", "node", g_variant_new_string (nodes[i]));
          g_variant_builder_add (&all, "{sv}", "version",
                                 g_variant_new_string (version < n_versions ? versions[version] : ""));
          g_variant_builder_add (&all, "{sv}", "state",
                                 g_variant_new_string (state == 0 ? "not-loaded"
                                                       : state < G_N_ELEMENTS (CELL_STATES)
                                                           ? CELL_STATES[state]
                                                           : "unknown"));
          g_variant_builder_close (&all);
        }
      g_variant_iter_free (cells);
    }
  return g_variant_ref_sink (g_variant_builder_end (&all));
}

static void
print_matrix (GVariant *rows)
{
  g_autoptr (ColletTable) table = collet_table_new (N_ ("MODULE"), N_ (">EPOCH"), N_ ("AGREED"), N_ ("NODE"),
                                                    N_ ("RUNS"), N_ ("STATE"), NULL);
  g_autofree char *last = NULL;

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      const char *module = collet_row_string (row, "module");
      gboolean is_same = g_strcmp0 (module, last) == 0;

      collet_table_add (table, g_strdup (is_same ? "" : module), COLLET_PAINT_BOLD);
      collet_table_add (table,
                        is_same ? g_strdup ("")
                                : g_strdup_printf ("%" G_GINT64_FORMAT, collet_row_int (row, "epoch")),
                        COLLET_PAINT_NONE);
      collet_table_add (table,
                        is_same ? g_strdup ("") : collet_human_dup_hash (collet_row_string (row, "agreed")),
                        COLLET_PAINT_DIM);
      collet_table_add_copy (table, collet_row_string (row, "node"));
      collet_table_add (table, collet_human_dup_hash (collet_row_string (row, "version")), COLLET_PAINT_DIM);
      collet_table_add_state (table, collet_row_string (row, "state"));
      g_free (last);
      last = g_strdup (module);
    }
  collet_table_print (table);
}

static ColletExit
matrix (ColletCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "GetMatrix", g_variant_new ("()"), "(tasasa(suta(uy)))", &error);

  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_autoptr (GVariant) rows = unfold_matrix (reply);
  if (ctl->json)
    collet_ctl_print_json ("matrix", rows);
  else
    print_matrix (rows);
  return COLLET_EXIT_OK;
}

/* 1 if they are not, so that a script can ask. */
static ColletExit
check (ColletCtl *ctl, const char *module)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "CheckConsistency", g_variant_new ("(s)", module), "(ba{sv})", &error);
  gboolean is_consistent;

  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_autoptr (GVariant) detail = g_variant_get_child_value (reply, 1);
  g_variant_get_child (reply, 0, "b", &is_consistent);
  if (ctl->json)
    {
      collet_ctl_print_json ("consistency", detail);
    }
  else
    {
      g_autofree char *differing = collet_row_dup_list (detail, "differing");
      g_autofree char *unreachable = collet_row_dup_list (detail, "unreachable");

      g_print ("%s\n", collet_row_string (detail, "verdict"));
      if (*differing != '\0')
        g_print (_ ("differing: %s\n"), differing);
      if (*unreachable != '\0')
        g_print (_ ("not reached: %s\n"), unreachable);
    }
  return is_consistent ? COLLET_EXIT_OK : COLLET_EXIT_FAILED;
}

/* ---- changes ---- */

static void
add_options (GVariantBuilder *options)
{
  if (require != NULL)
    g_variant_builder_add (options, "{sv}", "require", g_variant_new_string (require));
  if (waves != NULL)
    g_variant_builder_add (options, "{sv}", "waves", g_variant_new_strv ((const char *const *)waves, -1));
  if (bake_s >= 0)
    g_variant_builder_add (options, "{sv}", "bake-s", g_variant_new_uint32 ((guint32)bake_s));
  if (max_error_rate >= 0)
    g_variant_builder_add (options, "{sv}", "max-error-rate", g_variant_new_double (max_error_rate));
  if (min_calls >= 0)
    g_variant_builder_add (options, "{sv}", "min-calls", g_variant_new_uint64 ((guint64)min_calls));
  if (auto_revert)
    g_variant_builder_add (options, "{sv}", "auto-revert", g_variant_new_boolean (TRUE));
}

static ColletExit
reload (ColletCtl *ctl, const char *module)
{
  g_autofree char *source = collet_ctl_dup_source (module);
  g_autofree char *artifact = collet_change_options.artifact;
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;

  if (artifact != NULL)
    collet_change_options.artifact = collet_ctl_dup_source (artifact);
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (!collet_change_add_options (ctl, &options, &error))
    {
      g_variant_builder_clear (&options);
      return collet_ctl_fail (ctl, error);
    }
  add_options (&options);
  return collet_change_run_with (ctl, "ClusterReload",
                                 g_variant_new ("(ss)", artifact != NULL ? module : source,
                                                strategy != NULL ? strategy : "sync_all"),
                                 g_variant_builder_end (&options));
}

static ColletExit
rollback (ColletCtl *ctl, const char *module, const char *version)
{
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (!collet_change_add_options (ctl, &options, &error))
    {
      g_variant_builder_clear (&options);
      return collet_ctl_fail (ctl, error);
    }
  if (strategy != NULL)
    g_variant_builder_add (&options, "{sv}", "strategy", g_variant_new_string (strategy));
  add_options (&options);
  return collet_change_run_with (ctl, "ClusterRollback", g_variant_new ("(ss)", module, version),
                                 g_variant_builder_end (&options));
}

static ColletExit
adopt_store (ColletCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  collet_change_add_reason (&options);
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "AdoptStore", g_variant_new ("(a{sv})", &options), "()", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  if (ctl->json)
    collet_ctl_print_json ("adopted", g_variant_new_boolean (TRUE));
  return COLLET_EXIT_OK;
}

/* The daemon answers when it is done. */
static ColletExit
sync_versions (ColletCtl *ctl, const char *module)
{
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;
  guint timeout_ms = collet_ctl_get_timeout_ms (ctl, 0);

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  collet_change_add_reason (&options);
  if (target != NULL)
    g_variant_builder_add (&options, "{sv}", "target", g_variant_new_string (target));
  if (clear_overrides)
    g_variant_builder_add (&options, "{sv}", "clear-overrides", g_variant_new_boolean (TRUE));
  if (timeout_ms > 0)
    g_variant_builder_add (&options, "{sv}", "timeout-ms", g_variant_new_uint32 (timeout_ms));
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "SyncVersions", g_variant_new ("(sa{sv})", module, &options), "(as)", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_autoptr (GVariant) nodes = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    {
      collet_ctl_print_json ("synced", nodes);
      return COLLET_EXIT_OK;
    }
  for (gsize i = 0; i < g_variant_n_children (nodes); i++)
    {
      const char *node;

      g_variant_get_child (nodes, i, "&s", &node);
      g_print (_ ("%s was brought into line\n"), node);
    }
  if (g_variant_n_children (nodes) == 0)
    g_print (_ ("nothing differed\n"));
  return COLLET_EXIT_OK;
}

static ColletExit
unoverride (ColletCtl *ctl, const char *module)
{
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  collet_change_add_reason (&options);
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "ClearOverride", g_variant_new ("(sa{sv})", module, &options), "()", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  if (ctl->json)
    collet_ctl_print_json ("cleared", g_variant_new_string (module));
  else
    g_print (_ ("%s runs what was agreed on\n"), module);
  return COLLET_EXIT_OK;
}

/* Not followed: the reload may take hours, and on this node be over long since. */
static ColletExit
steer (ColletCtl *ctl, const char *method, const char *module, const char *done)
{
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;
  const char *path;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  collet_change_add_reason (&options);
  if (to_the_end)
    g_variant_builder_add (&options, "{sv}", "all", g_variant_new_boolean (TRUE));
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, method, g_variant_new ("(sa{sv})", module, &options), "(o)", &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_variant_get (reply, "(&o)", &path);
  if (ctl->json)
    collet_ctl_print_json (done, g_variant_new_string (strrchr (path, '/') + 1));
  else
    g_print ("%s: %s (%s)\n", module, done, strrchr (path, '/') + 1);
  return COLLET_EXIT_OK;
}

static ColletExit
run (ColletCtl *ctl, char **arguments)
{
  guint n = g_strv_length (arguments);
  const char *what = arguments[0];
  ColletExit exit;

  if (collet_cluster_member_run (ctl, arguments, &member, &exit))
    return exit;
  if (n == 1 && g_str_equal (what, "nodes"))
    return list (ctl, "ListNodes", g_variant_new ("()"), "nodes", print_nodes);
  if (n == 1 && g_str_equal (what, "matrix"))
    return matrix (ctl);
  if (n == 2 && g_str_equal (what, "versions"))
    return list (ctl, "GetClusterVersions", g_variant_new ("(s)", arguments[1]), "versions", print_versions);
  if (n <= 2 && g_str_equal (what, "check"))
    return check (ctl, n == 2 ? arguments[1] : "");
  if (n == 2 && g_str_equal (what, "reload"))
    return reload (ctl, arguments[1]);
  if ((n == 2 || n == 3) && g_str_equal (what, "rollback"))
    return rollback (ctl, arguments[1], n == 3 ? arguments[2] : "");
  if (n <= 2 && g_str_equal (what, "sync"))
    return sync_versions (ctl, n == 2 ? arguments[1] : "");
  if (n == 2 && g_str_equal (what, "unoverride"))
    return unoverride (ctl, arguments[1]);
  if (n == 2 && g_str_equal (what, "pause"))
    return steer (ctl, "PauseRollout", arguments[1], "paused");
  if (n == 2 && g_str_equal (what, "resume"))
    return steer (ctl, "ResumeRollout", arguments[1], "resumed");
  if (n == 2 && g_str_equal (what, "promote"))
    return steer (ctl, "PromoteRollout", arguments[1], "promoted");
  if (n == 1 && g_str_equal (what, "adopt-store"))
    return adopt_store (ctl);
  return collet_ctl_fail_usage (ctl, "\"cluster %s\" is not understood; see \"colletctl help cluster\"",
                                what);
}

static const GOptionEntry options[] = {
  { "strategy", 's', 0, G_OPTION_ARG_STRING, &strategy,
    N_ ("sync_all (every node or none; the default), quorum, rolling or local"), "STRATEGY" },
  { "require", 0, 0, G_OPTION_ARG_STRING, &require, N_ ("Who has to take part: roster (all) or live"),
    "WHO" },
  { "wave", 0, 0, G_OPTION_ARG_STRING_ARRAY, &waves,
    N_ ("rolling: the next wave, nodes (a,b) or a part of all (25%); may be repeated"), "NODES" },
  { "bake", 0, 0, G_OPTION_ARG_INT, &bake_s, N_ ("rolling: how long a wave is observed"), "SECONDS" },
  { "max-error-rate", 0, 0, G_OPTION_ARG_DOUBLE, &max_error_rate,
    N_ ("rolling: calls that may fail in a wave, 0 to 1"), "RATE" },
  { "min-calls", 0, 0, G_OPTION_ARG_INT64, &min_calls, N_ ("rolling: fewer calls are no evidence"), "N" },
  { "auto-revert", 0, 0, G_OPTION_ARG_NONE, &auto_revert, N_ ("rolling: go back if a wave is no good"),
    NULL },
  { "all", 0, 0, G_OPTION_ARG_NONE, &to_the_end, N_ ("promote: to the end instead of the next wave"), NULL },
  { "target", 0, 0, G_OPTION_ARG_STRING, &target,
    N_ ("sync: common (what most nodes run; the default) or desired (what was agreed on)"), "WHICH" },
  { "clear-overrides", 0, 0, G_OPTION_ARG_NONE, &clear_overrides, N_ ("sync: nodes' own versions too"),
    NULL },
  { "artifact", 'a', 0, G_OPTION_ARG_FILENAME, &collet_change_options.artifact,
    N_ ("The new file, if it is not the one in the module path"), "FILE" },
  { "endpoint", 'e', 0, G_OPTION_ARG_STRING_ARRAY, &member.endpoints,
    N_ ("init: address of a member of etcd; may be repeated"), "URL" },
  { "expiry", 0, 0, G_OPTION_ARG_INT, &member.expiry_s, N_ ("token: how long it works (600)"), "SECONDS" },
  { "name", 0, 0, G_OPTION_ARG_STRING, &member.name, N_ ("join: a name for this node other than its own"),
    "NODE" },
  { "force", 0, 0, G_OPTION_ARG_NONE, &member.force,
    N_ ("leave: also if etcd cannot be told, and with the authority's key"), NULL },
  COLLET_CHANGE_REASON,
  COLLET_CHANGE_HOST,
  COLLET_CHANGE_EXPECT,
  COLLET_CHANGE_BREAKING,
  COLLET_CHANGE_GRACE,
  COLLET_CHANGE_SMOKE,
  COLLET_CHANGE_DISCARD,
  COLLET_CHANGE_STATE,
  COLLET_CHANGE_DRAIN,
  COLLET_CHANGE_NO_WAIT,
  { NULL },
};

const ColletVerb collet_verb_cluster = {
  .name = "cluster",
  .arguments =
      "nodes | matrix | versions MODULE | check [MODULE] | reload MODULE|FILE | "
      "rollback MODULE [VERSION] | sync [MODULE] | unoverride MODULE | pause MODULE | resume MODULE | "
      "promote MODULE | adopt-store | init NAME | token | join URL TOKEN | leave | remove NODE",
  .summary = N_ ("See and change what the nodes agree on"),
  .help = N_ (
      "nodes lists them, matrix shows every module on every node, versions one module; check says whether\n"
      "all nodes run what was agreed on, and exits with 1 if not.\n"
      "\n"
      "reload puts a version before the nodes: each prepares it and votes, then all change or none does.\n"
      "rollback does the same with a version that was agreed on before, by default the one before.\n"
      "sync brings the nodes that are up to one version; unoverride ends this node's own version. pause,\n"
      "resume and promote steer a rolling reload.\n"
      "A daemon of its own is a cluster of one. adopt-store accepts a cluster store that was restored.\n"
      "\n"
      "init makes this node the first of a new cluster; token lets one node more in, which says join with "
      "the\n"
      "URL of this one (see nodes; a TOKEN of \"-\" is read from standard input). leave takes this node "
      "out,\n"
      "remove another one."),
  .options = options,
  .min_arguments = 1,
  .max_arguments = 3,
  .run = run,
};
