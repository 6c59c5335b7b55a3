/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods that bring nodes into line and answer when that was seen to be so, in a
 * fresh reading of the keys.
 */
#include "collet-manager-methods.h"

#include "collet-cluster-report.h"
#include "collet-error.h"
#include "collet-manager-object.h"

#define LOOK_MS 50          /* between two looks */
#define APPLY_US 30000000LL /* for what was agreed on, after the time for the votes */

typedef struct
{
  ColletManagerObject *manager;
  ColletBusCall *call;
  gint64 deadline; /* monotonic; 0: nothing was begun yet */
  /* SyncVersions: */
  gboolean is_desired, clear_overrides;
  const char *reason; /* of `options`, or NULL */
  guint32 timeout_ms;
  GVariant *options;
  GStrv modules; /* NULL: not known yet */
  guint at;      /* the one that is worked on */
  char *txid;    /* what is agreed on it; NULL: not begun */
  char *sha256;
  GPtrArray *differing; /* nodes that ran something else */
  GPtrArray *brought;   /* nodes that were brought into line */
} Sync;

static Sync *
sync_new (gpointer object, ColletBusCall *call)
{
  Sync *self = g_new0 (Sync, 1);

  self->manager = g_object_ref (object);
  self->call = call;
  self->differing = g_ptr_array_new_with_free_func (g_free);
  self->brought = g_ptr_array_new_with_free_func (g_free);
  return self;
}

static void
sync_free (Sync *self)
{
  g_object_unref (self->manager);
  g_clear_pointer (&self->options, g_variant_unref);
  g_strfreev (self->modules);
  g_free (self->txid);
  g_free (self->sha256);
  g_ptr_array_unref (self->differing);
  g_ptr_array_unref (self->brought);
  g_free (self);
}

/* error is taken. */
static void
refuse (Sync *self, GError *error)
{
  collet_bus_call_fail (self->call, error);
  sync_free (self);
}

/* ---- looking ---- */

static void
look (Sync *self, ColletClusterRead read)
{
  ColletClusterAgent *cluster = collet_manager_object_get_cluster (self->manager);

  if (cluster != NULL)
    collet_cluster_agent_read (cluster, read, self);
  else
    refuse (self, g_error_new (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN, "The daemon ends."));
}

static void on_sync_view (const ColletClusterView *view, const GError *error, gpointer user_data);
static void on_override_view (const ColletClusterView *view, const GError *error, gpointer user_data);

static gboolean
on_look (gpointer data)
{
  Sync *self = data;

  look (self, self->options != NULL ? on_sync_view : on_override_view);
  return G_SOURCE_REMOVE;
}

/* FALSE: the time is over. */
static gboolean
look_again (Sync *self)
{
  if (g_get_monotonic_time () >= self->deadline)
    return FALSE;
  g_timeout_add (LOOK_MS, on_look, self);
  return TRUE;
}

/* ---- sync: what differs ---- */

static void
add_once (GPtrArray *names, const char *name)
{
  if (!g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
    g_ptr_array_add (names, g_strdup (name));
}

static gboolean
is_in_line (const ColletClusterView *view, const char *module, const char *node, const char *sha256)
{
  ColletCell cell = collet_cluster_get_cell (view, module, node);

  return cell.state == COLLET_CELL_IN_LINE && g_strcmp0 (cell.sha256, sha256) == 0;
}

/* Who is down is not asked; an override stays unless it is to go. FALSE: all who
 * are asked are in line. */
static gboolean
find_differing (Sync *self, const ColletClusterView *view, const char *module)
{
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (view, COLLET_KEY_NODE);
  gboolean is_needed = FALSE;

  g_ptr_array_set_size (self->differing, 0);
  for (guint i = 0; i < roster->len; i++)
    {
      const char *node = roster->pdata[i];
      ColletCell cell = collet_cluster_get_cell (view, module, node);
      gboolean is_kept =
          !self->clear_overrides && collet_cluster_view_get_override (view, module, node) != NULL;

      if (is_kept || !collet_cluster_view_is_live (view, node))
        continue;
      is_needed = is_needed || !is_in_line (view, module, node, self->sha256);
      if (g_strcmp0 (cell.sha256, self->sha256) != 0)
        g_ptr_array_add (self->differing, g_strdup (node));
    }
  return is_needed;
}

static void
on_begun (const char *txid, const GError *error, gpointer user_data)
{
  Sync *self = user_data;
  guint timeout_ms = self->timeout_ms > 0 ? self->timeout_ms : COLLET_CLUSTER_TIMEOUT_MS;

  if (error != NULL)
    {
      refuse (self, g_error_copy (error));
      return;
    }
  self->txid = g_strdup (txid);
  self->deadline = g_get_monotonic_time () + timeout_ms * (gint64)1000 + APPLY_US;
  on_look (self);
}

static void
begin (Sync *self, const char *module, const char *version)
{
  const ColletClusterRequest request = {
    .module = module,
    .sha256 = self->sha256,
    .version = version,
    .kind = "hot-reload",
    .strategy = "sync_all",
    .reason = self->reason,
    .timeout_ms = self->timeout_ms,
    .uid = self->call->uid,
    .require_live = TRUE,
    .clear_overrides = self->clear_overrides,
  };

  collet_cluster_agent_begin (collet_manager_object_get_cluster (self->manager), &request, on_begun, self);
}

/* The next module that needs it; without one this is the end. */
static void
begin_next (Sync *self, const ColletClusterView *view)
{
  for (; self->modules[self->at] != NULL; self->at++)
    {
      const char *module = self->modules[self->at];
      const ColletDesired *desired = collet_cluster_view_get_desired (view, module);
      g_autofree char *version = NULL;
      GError *error = NULL;

      g_free (self->sha256);
      self->sha256 = collet_cluster_sync_target (view, module, self->is_desired, &version, &error);
      if (self->sha256 == NULL)
        {
          refuse (self, error);
          return;
        }
      if (!find_differing (self, view, module) && collet_cluster_view_get_lock (view, module) == NULL &&
          desired != NULL && g_str_equal (desired->sha256, self->sha256))
        continue;
      begin (self, module, version);
      return;
    }
  g_ptr_array_add (self->brought, NULL);
  collet_bus_call_return (self->call, g_variant_new ("(^as)", (char **)self->brought->pdata));
  sync_free (self);
}

/* ---- sync: what became of it ---- */

static char *
join_rows (const ColletOutcome *outcome, const char *state)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < outcome->rows->len; i++)
    {
      const ColletOutcomeRow *row = outcome->rows->pdata[i];

      if (g_str_equal (row->state, state))
        g_string_append_printf (text, "%s%s%s%s", text->len > 0 ? ", " : "", row->node,
                                row->message != NULL ? ": " : "", row->message != NULL ? row->message : "");
    }
  return g_string_free (text, FALSE);
}

/* NULL: every live node has applied it. */
static GError *
judge (const Sync *self, const ColletOutcome *outcome)
{
  const char *module = self->modules[self->at];
  ColletError code = COLLET_ERROR_NODE_FAILED;
  g_autofree char *failed = join_rows (outcome, "failed");
  g_autofree char *lagging = join_rows (outcome, "lagging");

  if (!outcome->is_decided)
    return g_error_new (COLLET_ERROR, COLLET_ERROR_TIMEOUT, "Reload %s of %s is not decided yet; it goes on.",
                        self->txid, module);
  if (!outcome->is_committed)
    {
      if (outcome->error != NULL)
        collet_error_from_name (outcome->error, &code);
      return g_error_new (COLLET_ERROR, code, "The cluster gave reload %s of %s up: %s. What ran goes on.",
                          self->txid, module,
                          outcome->message != NULL ? outcome->message : "no reason given");
    }
  if (*failed != '\0')
    return g_error_new (COLLET_ERROR, code, "%s was agreed on, but could not be applied on %s.", module,
                        failed);
  if (!outcome->is_settled)
    return g_error_new (COLLET_ERROR, COLLET_ERROR_TIMEOUT,
                        "%s was agreed on, and goes on, but does not run yet on %s.", module, lagging);
  return NULL;
}

static void
follow (Sync *self, const ColletClusterView *view)
{
  g_autoptr (ColletOutcome) outcome = collet_cluster_get_outcome (view, self->txid);
  const char *module = self->modules[self->at];
  GError *error;

  if (!outcome->is_settled && look_again (self))
    return;
  error = judge (self, outcome);
  if (error != NULL)
    {
      refuse (self, error);
      return;
    }
  for (guint i = 0; i < self->differing->len; i++)
    {
      if (is_in_line (view, module, self->differing->pdata[i], self->sha256))
        add_once (self->brought, self->differing->pdata[i]);
    }
  g_clear_pointer (&self->txid, g_free);
  self->at++;
  begin_next (self, view);
}

static void
on_sync_view (const ColletClusterView *view, const GError *error, gpointer user_data)
{
  Sync *self = user_data;

  if (view == NULL)
    {
      refuse (self, g_error_copy (error));
      return;
    }
  if (self->modules == NULL)
    {
      g_autoptr (GPtrArray) all = collet_cluster_view_list (view, COLLET_KEY_DESIRED);

      g_ptr_array_add (all, NULL);
      self->modules = g_strdupv ((char **)all->pdata);
    }
  if (self->txid != NULL)
    follow (self, view);
  else
    begin_next (self, view);
}

static void
sync_versions (gpointer object, ColletBusCall *call)
{
  const char *module;
  const char *target = "common";
  Sync *self = sync_new (object, call);

  g_variant_get (call->parameters, "(&s@a{sv})", &module, &self->options);
  g_variant_lookup (self->options, "target", "&s", &target);
  g_variant_lookup (self->options, "clear-overrides", "b", &self->clear_overrides);
  g_variant_lookup (self->options, "reason", "&s", &self->reason);
  g_variant_lookup (self->options, "timeout-ms", "u", &self->timeout_ms);
  self->is_desired = g_str_equal (target, "desired");
  if (!self->is_desired && !g_str_equal (target, "common"))
    {
      refuse (self, g_error_new (COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                                 "\"target\" is \"%.64s\"; it can be \"common\" or \"desired\".", target));
      return;
    }
  if (*module != '\0')
    {
      const char *one[] = { module, NULL };

      self->modules = g_strdupv ((char **)one);
    }
  look (self, on_sync_view);
}

/* ---- clear an override ---- */

static void
on_cleared (const GError *error, gpointer user_data)
{
  Sync *self = user_data;
  g_autoptr (GVariant) options = NULL;
  const char *module;
  const char *reason = NULL;

  if (error != NULL)
    {
      refuse (self, g_error_copy (error));
      return;
    }
  g_variant_get (self->call->parameters, "(&s@a{sv})", &module, &options);
  g_variant_lookup (options, "reason", "&s", &reason);
  g_message ("The override of %s is cleared by user %" G_GINT64_FORMAT "%s%s", module, self->call->uid,
             reason != NULL ? ": " : "", reason != NULL ? reason : "");
  self->deadline = g_get_monotonic_time () + APPLY_US;
  on_look (self);
}

/* The first time there has to be an override, from then on the agreed version. */
static void
on_override_view (const ColletClusterView *view, const GError *error, gpointer user_data)
{
  Sync *self = user_data;
  ColletClusterAgent *cluster = collet_manager_object_get_cluster (self->manager);
  const char *node = cluster != NULL ? collet_cluster_agent_get_node (cluster) : NULL;
  const char *module;
  const ColletApplied *applied;

  g_variant_get (self->call->parameters, "(&s@a{sv})", &module, NULL);
  if (view == NULL || cluster == NULL)
    {
      refuse (self, error != NULL
                        ? g_error_copy (error)
                        : g_error_new (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN, "The daemon ends."));
      return;
    }
  applied = collet_cluster_view_get_applied (view, module, node);
  if (self->deadline == 0 && collet_cluster_view_get_override (view, module, node) == NULL)
    refuse (self, g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                               "Node \"%s\" has no version of %s of its own.", node, module));
  else if (self->deadline == 0)
    collet_cluster_agent_set_override (cluster, module, NULL, NULL, NULL, on_cleared, self);
  else if (collet_cluster_get_cell (view, module, node).state == COLLET_CELL_IN_LINE ||
           collet_cluster_view_get_desired (view, module) == NULL)
    {
      collet_bus_call_return (self->call, NULL);
      sync_free (self);
    }
  else if (!look_again (self))
    refuse (self, g_error_new (COLLET_ERROR, COLLET_ERROR_TIMEOUT,
                               "The override of %s is gone, but the agreed version does not run yet%s%s.",
                               module, applied != NULL && applied->message != NULL ? ": " : "",
                               applied != NULL && applied->message != NULL ? applied->message : ""));
}

static void
clear_override (gpointer object, ColletBusCall *call)
{
  look (sync_new (object, call), on_override_view);
}

const ColletBusMethod collet_manager_sync_methods[] = {
  { "SyncVersions", sync_versions },
  { "ClearOverride", clear_override },
  { NULL, NULL },
};
