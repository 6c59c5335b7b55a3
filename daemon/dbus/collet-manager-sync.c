/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Nodes are brought to one version, and that is answered when it was seen to be so,
 * in a fresh reading of the keys. Several modules at once, within a bound.
 */
#include "collet-manager-methods.h"

#include "collet-cluster-report.h"
#include "collet-error.h"
#include "collet-manager-object.h"

#define LOOK_MS 50          /* between two looks */
#define APPLY_US 30000000LL /* for what was agreed on, after the time for the votes */
#define MAX_STRANDS 8

typedef struct
{
  ColletManagerObject *manager;
  ColletBusCall *call;
  gboolean is_desired, clear_overrides;
  const char *reason; /* of `options`, or NULL */
  guint32 timeout_ms;
  GVariant *options;
  GStrv modules;      /* NULL: not known yet */
  guint at;           /* the next one */
  GPtrArray *strands; /* Strand: those that are worked on */
  GPtrArray *brought; /* nodes that were brought into line */
  GError *error;      /* the first; then nothing more is begun */
  gboolean is_looking;
} Sync;

/* One module. */
typedef struct
{
  Sync *sync;
  const char *module;
  char *sha256;
  char *txid; /* NULL: not begun */
  gint64 deadline;
  GPtrArray *differing; /* nodes that ran something else */
} Strand;

static void
strand_free (gpointer data)
{
  Strand *strand = data;

  g_free (strand->sha256);
  g_free (strand->txid);
  g_ptr_array_unref (strand->differing);
  g_free (strand);
}

static Sync *
sync_new (gpointer object, ColletBusCall *call)
{
  Sync *self = g_new0 (Sync, 1);

  self->manager = g_object_ref (object);
  self->call = call;
  self->strands = g_ptr_array_new_with_free_func (strand_free);
  self->brought = g_ptr_array_new_with_free_func (g_free);
  return self;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *)a, *(const char *const *)b);
}

static void
finish (Sync *self)
{
  if (self->error != NULL)
    collet_bus_call_fail (self->call, g_steal_pointer (&self->error));
  else
    {
      g_ptr_array_sort (self->brought, compare_names);
      g_ptr_array_add (self->brought, NULL);
      collet_bus_call_return (self->call, g_variant_new ("(^as)", (char **)self->brought->pdata));
    }
  g_object_unref (self->manager);
  g_clear_pointer (&self->options, g_variant_unref);
  g_ptr_array_unref (self->strands);
  g_ptr_array_unref (self->brought);
  g_strfreev (self->modules);
  g_free (self);
}

/* error is taken. */
static void
fail (Sync *self, GError *error)
{
  if (self->error == NULL)
    self->error = error;
  else
    g_error_free (error);
}

/* ---- what differs ---- */

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
find_differing (Strand *strand, const ColletClusterView *view)
{
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (view, COLLET_KEY_NODE);
  const char *module = strand->module;
  gboolean is_needed = FALSE;

  for (guint i = 0; i < roster->len; i++)
    {
      const char *node = roster->pdata[i];
      ColletCell cell = collet_cluster_get_cell (view, module, node);
      gboolean is_kept =
          !strand->sync->clear_overrides && collet_cluster_view_get_override (view, module, node) != NULL;

      if (is_kept || !collet_cluster_view_is_live (view, node))
        continue;
      is_needed = is_needed || !is_in_line (view, module, node, strand->sha256);
      if (g_strcmp0 (cell.sha256, strand->sha256) != 0)
        g_ptr_array_add (strand->differing, g_strdup (node));
    }
  return is_needed;
}

/* ---- what became of it ---- */

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
judge (const Strand *strand, const ColletOutcome *outcome)
{
  const char *module = strand->module;
  ColletError code = COLLET_ERROR_NODE_FAILED;
  g_autofree char *failed = join_rows (outcome, "failed");
  g_autofree char *lagging = join_rows (outcome, "lagging");

  if (!outcome->is_decided)
    return g_error_new (COLLET_ERROR, COLLET_ERROR_TIMEOUT, "Reload %s of %s is not decided yet; it goes on.",
                        strand->txid, module);
  if (!outcome->is_committed)
    {
      if (outcome->error != NULL)
        collet_error_from_name (outcome->error, &code);
      return g_error_new (COLLET_ERROR, code, "The cluster gave reload %s of %s up: %s. What ran goes on.",
                          strand->txid, module,
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

/* ---- one look ---- */

static void on_view (const ColletClusterView *view, const GError *error, gpointer user_data);

static gboolean
on_look (gpointer data)
{
  Sync *self = data;
  ColletClusterAgent *cluster = collet_manager_object_get_cluster (self->manager);
  g_autoptr (GError) ending = g_error_new (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN, "The daemon ends.");

  if (cluster != NULL)
    collet_cluster_agent_read (cluster, on_view, self);
  else
    on_view (NULL, ending, self);
  return G_SOURCE_REMOVE;
}

/* What was begun goes on without an answer; what is being begun has to answer first. */
static void
go_on (Sync *self)
{
  for (guint i = self->strands->len; i > 0 && self->error != NULL; i--)
    {
      if (((Strand *)self->strands->pdata[i - 1])->txid != NULL)
        g_ptr_array_remove_index (self->strands, i - 1);
    }
  if (self->is_looking)
    return;
  if (self->strands->len == 0 && (self->error != NULL || self->modules[self->at] == NULL))
    {
      finish (self);
      return;
    }
  if (self->error != NULL)
    return;
  self->is_looking = TRUE;
  g_timeout_add (LOOK_MS, on_look, self);
}

static void
on_begun (const char *txid, const GError *error, gpointer user_data)
{
  Strand *strand = user_data;
  Sync *self = strand->sync;
  guint timeout_ms = self->timeout_ms > 0 ? self->timeout_ms : COLLET_CLUSTER_TIMEOUT_MS;

  if (error != NULL)
    {
      fail (self, g_error_copy (error));
      g_ptr_array_remove (self->strands, strand);
    }
  else
    {
      strand->txid = g_strdup (txid);
      strand->deadline = g_get_monotonic_time () + timeout_ms * (gint64)1000 + APPLY_US;
    }
  go_on (self);
}

static void
begin (Strand *strand, const char *version)
{
  Sync *self = strand->sync;
  const ColletClusterRequest request = {
    .module = strand->module,
    .sha256 = strand->sha256,
    .version = version,
    .kind = "hot-reload",
    .strategy = "sync_all",
    .reason = self->reason,
    .timeout_ms = self->timeout_ms,
    .uid = self->call->uid,
    .require_live = TRUE,
    .clear_overrides = self->clear_overrides,
  };

  collet_cluster_agent_begin (collet_manager_object_get_cluster (self->manager), &request, on_begun, strand);
}

/* The next module, if it needs anything. */
static void
begin_next (Sync *self, const ColletClusterView *view)
{
  const char *module = self->modules[self->at++];
  const ColletDesired *desired = collet_cluster_view_get_desired (view, module);
  Strand *strand = g_new0 (Strand, 1);
  g_autofree char *version = NULL;
  GError *error = NULL;

  strand->sync = self;
  strand->module = module;
  strand->differing = g_ptr_array_new_with_free_func (g_free);
  strand->sha256 = collet_cluster_sync_target (view, module, self->is_desired, &version, &error);
  if (strand->sha256 == NULL)
    fail (self, error);
  if (strand->sha256 == NULL ||
      (!find_differing (strand, view) && collet_cluster_view_get_lock (view, module) == NULL &&
       desired != NULL && g_str_equal (desired->sha256, strand->sha256)))
    {
      strand_free (strand);
      return;
    }
  g_ptr_array_add (self->strands, strand);
  begin (strand, version);
}

/* FALSE: it is not over. */
static gboolean
follow (Strand *strand, const ColletClusterView *view)
{
  g_autoptr (ColletOutcome) outcome = collet_cluster_get_outcome (view, strand->txid);
  GError *error;

  if (!outcome->is_settled && g_get_monotonic_time () < strand->deadline)
    return FALSE;
  error = judge (strand, outcome);
  if (error != NULL)
    fail (strand->sync, error);
  for (guint i = 0; i < strand->differing->len && error == NULL; i++)
    {
      if (is_in_line (view, strand->module, strand->differing->pdata[i], strand->sha256))
        add_once (strand->sync->brought, strand->differing->pdata[i]);
    }
  return TRUE;
}

static void
on_view (const ColletClusterView *view, const GError *error, gpointer user_data)
{
  Sync *self = user_data;

  if (view == NULL)
    fail (self, g_error_copy (error));
  if (view != NULL && self->modules == NULL)
    {
      g_autoptr (GPtrArray) all = collet_cluster_view_list (view, COLLET_KEY_DESIRED);

      g_ptr_array_add (all, NULL);
      self->modules = g_strdupv ((char **)all->pdata);
    }
  for (guint i = self->strands->len; i > 0 && view != NULL; i--)
    {
      Strand *strand = self->strands->pdata[i - 1];

      if (strand->txid != NULL && follow (strand, view))
        g_ptr_array_remove_index (self->strands, i - 1);
    }
  while (self->error == NULL && self->strands->len < MAX_STRANDS && self->modules[self->at] != NULL)
    begin_next (self, view);
  self->is_looking = FALSE;
  go_on (self);
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
      fail (self, g_error_new (COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                               "\"target\" is \"%.64s\"; it can be \"common\" or \"desired\".", target));
      finish (self);
      return;
    }
  if (*module != '\0')
    {
      const char *one[] = { module, NULL };

      self->modules = g_strdupv ((char **)one);
    }
  self->is_looking = TRUE;
  on_look (self);
}

const ColletBusMethod collet_manager_sync_methods[] = {
  { "SyncVersions", sync_versions },
  { NULL, NULL },
};
