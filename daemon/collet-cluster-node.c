/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-node.h"

#include "collet-embedded.h"
#include "collet-error.h"
#include "collet-prepared.h"
#include "collet-reload-terms.h"
#include "collet-row-keeper.h"
#include "collet-signature.h"

#include <glib/gstdio.h>

#define CLUSTER_OF_ONE "local"

struct _ColletClusterNode
{
  ColletClusterApplier base;
  ColletReloader *reloader;
  ColletLoader *loader;
  ColletRowKeeper *rows;
  ColletEmbeddedHub *hub;
  ColletClusterClock *clock;
  ColletClusterAgent *agent;
  ColletArtifactPeers *peers; /* or NULL */
  GHashTable *promises;       /* token to ColletReload */
  GHashTable *cut_short;      /* SHA-256: told of already */
  GPtrArray *works;           /* Work: under way */
};

/* One operation that the agent waits for. */
typedef struct
{
  ColletClusterNode *node; /* NULL: it is gone */
  char *token;
  ColletReloadRequest *request; /* until it is submitted */
  ColletReloadRequest *again;   /* the same without its id, or NULL */
  char *fetched;                /* path to remove afterwards */
  ColletReload *reload;
  gulong handlers[2];
  guint source;
  GError *error;
  ColletApplierDone done;
  gpointer user_data;
} Work;

static Work *
work_new (ColletClusterNode *node, const char *token, ColletApplierDone done, gpointer user_data)
{
  Work *work = g_new0 (Work, 1);

  work->node = node;
  work->token = g_strdup (token);
  work->done = done;
  work->user_data = user_data;
  g_ptr_array_add (node->works, work);
  return work;
}

static void
work_free (Work *work)
{
  for (guint i = 0; i < G_N_ELEMENTS (work->handlers); i++)
    g_clear_signal_handler (&work->handlers[i], work->reload);
  g_clear_handle_id (&work->source, g_source_remove);
  g_clear_pointer (&work->request, collet_reload_request_free);
  g_clear_pointer (&work->again, collet_reload_request_free);
  g_clear_object (&work->reload);
  g_clear_error (&work->error);
  if (work->fetched != NULL)
    {
      g_autofree char *signature = g_strconcat (work->fetched, COLLET_SIGNATURE_SUFFIX, NULL);

      g_unlink (work->fetched);
      g_unlink (signature);
    }
  g_free (work->fetched);
  g_free (work->token);
  g_free (work);
}

static void
work_end (Work *work, const GError *error)
{
  g_autoptr (GError) kept = error != NULL ? g_error_copy (error) : NULL;
  ColletApplierDone done = work->node != NULL ? work->done : NULL;
  gpointer user_data = work->user_data;

  if (work->node != NULL)
    g_ptr_array_remove_fast (work->node->works, work);
  work_free (work);
  if (done != NULL)
    done (kept, user_data);
}

static gboolean
on_work_over (gpointer data)
{
  Work *work = data;

  work->source = 0;
  work_end (work, work->error);
  return G_SOURCE_REMOVE;
}

/* From the main loop; error is taken. */
static void
end_soon (Work *work, GError *error)
{
  work->error = error;
  work->source = g_idle_add_full (G_PRIORITY_DEFAULT, on_work_over, work, NULL);
}

/* ---- prepare ---- */

static void submit (Work *work);

static void
on_prepared (GObject *object, GAsyncResult *result, gpointer data)
{
  Work *work = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletReload) reload = collet_reloader_prepare_finish (COLLET_RELOADER (object), result, &error);

  /* The history may have the id already: of an attempt that ended with the process,
   * or that was refused because the module was taken. */
  if (work->node != NULL && work->again != NULL &&
      g_error_matches (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED))
    {
      work->request = g_steal_pointer (&work->again);
      submit (work);
      return;
    }
  if (reload != NULL && work->node == NULL)
    collet_reload_abandon (reload, -1, "the node has left its cluster");
  else if (reload != NULL)
    g_hash_table_replace (work->node->promises, g_strdup (work->token), g_object_ref (reload));
  work_end (work, error);
}

static void
submit (Work *work)
{
  collet_reloader_prepare_async (work->node->reloader, g_steal_pointer (&work->request), on_prepared, work);
}

static void
on_fetched (const char *path, const GError *error, gpointer user_data)
{
  Work *work = user_data;
  const char *sources[] = { path, NULL };

  work->fetched = g_strdup (path);
  if (path == NULL || work->node == NULL)
    {
      work_end (work, error);
      return;
    }
  work->request->sources = g_strdupv ((GStrv)sources);
  if (work->again != NULL)
    work->again->sources = g_strdupv ((GStrv)sources);
  submit (work);
}

/* NULL: this node cannot do what is asked. */
static ColletReloadRequest *
make_request (const char *module, const char *sha256, const ColletSpec *spec, gboolean is_here,
              GError **error)
{
  g_autoptr (ColletReloadRequest) request =
      collet_reload_request_new (is_here ? COLLET_RELOAD_ROLLBACK : COLLET_RELOAD_LOAD,
                                 spec != NULL ? spec->uid : -1);

  request->is_prepare = TRUE;
  request->decided_by = g_strdup ("the cluster");
  request->allow_breaking = TRUE; /* whoever asked the cluster has been asked */
  if (is_here)
    {
      request->module = g_strdup (module);
      request->version = g_strdup (sha256);
      request->state_choice = COLLET_STATE_AUTO;
    }
  if (spec != NULL)
    {
      request->strategy = g_strdup (spec->strategy);
      request->reason = g_strdup (spec->reason);
      request->reverts = g_strdup (spec->reverts);
    }
  if (!collet_reload_terms_read (request, spec != NULL ? spec->options : NULL, error))
    return NULL;
  return g_steal_pointer (&request);
}

static void
prepare (ColletClusterApplier *base, const char *token, const char *module, const char *sha256,
         const ColletSpec *spec, const char *const *nodes, ColletApplierDone done, gpointer user_data)
{
  ColletClusterNode *self = (ColletClusterNode *)base;
  Work *work = work_new (self, token, done, user_data);
  ColletReload *reload = collet_reloader_find_reload (self->reloader, token);
  gboolean is_here = collet_reloader_find_version (self->reloader, module, sha256, NULL) != NULL;
  g_autofree char *path = is_here ? NULL : collet_loader_find_path (self->loader, sha256);
  const char *sources[] = { path, NULL };
  GError *error = NULL;

  /* Who asked the cluster through this node has it ready. */
  if (reload != NULL && collet_reload_is_prepared (reload))
    {
      g_hash_table_replace (self->promises, g_strdup (token), g_object_ref (reload));
      end_soon (work, NULL);
      return;
    }
  work->request = make_request (module, sha256, spec, is_here, &error);
  if (work->request == NULL)
    {
      end_soon (work, error);
      return;
    }
  /* The same id on every node; but once it was decided, this is a second attempt of
   * a node whose first one is in its history. */
  if (spec != NULL && reload == NULL &&
      collet_cluster_view_get_decision (collet_cluster_agent_get_view (self->agent), token) == NULL)
    {
      work->request->id = g_strdup (spec->txid);
      work->again = make_request (module, sha256, spec, is_here, NULL);
    }
  if (path != NULL)
    work->request->sources = g_strdupv ((GStrv)sources);
  if (path != NULL && work->again != NULL)
    work->again->sources = g_strdupv ((GStrv)sources);
  if (is_here || path != NULL)
    submit (work);
  else if (self->peers != NULL)
    self->peers->class_->fetch (self->peers, sha256, nodes, on_fetched, work);
  else
    end_soon (work, g_error_new (COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND,
                                 "Version %.12s of module \"%s\" is not on this node. Load it from a file.",
                                 sha256, module));
}

/* ---- commit, abort ---- */

static void
on_reload_changed (ColletReload *reload, gpointer data)
{
  Work *work = data;
  const GError *error = collet_reload_get_error (reload);
  ColletReloadState state = collet_reload_get_state (reload);

  if (error == NULL && state != COLLET_RELOAD_COMMITTED && state != COLLET_RELOAD_SUCCEEDED)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (work->handlers); i++)
    g_clear_signal_handler (&work->handlers[i], work->reload);
  end_soon (work, error != NULL ? g_error_copy (error) : NULL);
}

static void
commit (ColletClusterApplier *base, const char *token, const char *module, ColletApplierDone done,
        gpointer user_data)
{
  ColletClusterNode *self = (ColletClusterNode *)base;
  Work *work = work_new (self, token, done, user_data);
  gpointer key = NULL;
  gpointer reload = NULL;

  g_hash_table_steal_extended (self->promises, token, &key, &reload);
  g_free (key);
  work->reload = reload;
  if (reload == NULL || !collet_reload_is_prepared (reload))
    {
      end_soon (work, g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_PREPARED,
                                   "What was prepared of module \"%s\" has ended since.", module));
      return;
    }
  work->handlers[0] = g_signal_connect (reload, "changed", G_CALLBACK (on_reload_changed), work);
  work->handlers[1] = g_signal_connect (reload, "finished", G_CALLBACK (on_reload_changed), work);
  collet_reload_commit (reload, -1, NULL);
}

static void
give_up (ColletClusterApplier *base, const char *token, const char *module)
{
  ColletClusterNode *self = (ColletClusterNode *)base;
  ColletReload *reload = g_hash_table_lookup (self->promises, token);
  const ColletDecision *decision =
      collet_cluster_view_get_decision (collet_cluster_agent_get_view (self->agent), token);
  ColletError code = COLLET_ERROR_CANCELLED;
  const char *why = decision != NULL ? decision->message : NULL;

  if (reload != NULL && collet_reload_is_prepared (reload))
    {
      if (decision != NULL && decision->error != NULL)
        collet_error_from_name (decision->error, &code);
      collet_reload_decide (reload, -1, NULL,
                            g_error_new (COLLET_ERROR, code, "The cluster gave it up: %s%s What ran goes on.",
                                         why != NULL ? why : "another version was agreed on.",
                                         why != NULL && !g_str_has_suffix (why, ".") ? "." : ""));
    }
  g_hash_table_remove (self->promises, token);
}

/* ---- what runs ---- */

static const char *
get_running (ColletClusterApplier *base, const char *module, const char **version)
{
  ColletClusterNode *self = (ColletClusterNode *)base;
  ColletModule *found = collet_registry_find_module (collet_reloader_get_registry (self->reloader), module);
  const ColletVersion *running = found != NULL ? collet_module_get_facts (found)->version : NULL;

  *version = running != NULL ? running->semver : NULL;
  return running != NULL ? running->sha256 : NULL;
}

/* Of what runs now: what older versions answered says nothing for or against it. */
static void
get_counts (ColletClusterApplier *base, const char *module, gint64 *calls, gint64 *errors)
{
  ColletClusterNode *self = (ColletClusterNode *)base;
  ColletDeployment *deployment = collet_reloader_find_deployment (self->reloader, module);
  ColletGeneration *published = deployment != NULL ? collet_deployment_get_published (deployment) : NULL;
  ColletGenerationStats stats = { 0 };

  if (published != NULL)
    collet_generation_get_stats (published, &stats);
  *calls = (gint64)stats.calls;
  *errors = (gint64)stats.errors;
}

static gboolean
was_cut_short (ColletClusterApplier *base, const char *module, const char *sha256)
{
  ColletClusterNode *self = (ColletClusterNode *)base;

  return collet_reloader_was_cut_short (self->reloader, sha256) &&
         g_hash_table_add (self->cut_short, g_strdup (sha256));
}

static GStrv
list (ColletClusterApplier *base)
{
  ColletClusterNode *self = (ColletClusterNode *)base;
  GListModel *modules = collet_registry_get_modules (collet_reloader_get_registry (self->reloader));
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < g_list_model_get_n_items (modules); i++)
    {
      g_autoptr (ColletModule) module = g_list_model_get_item (modules, i);

      g_strv_builder_add (builder, collet_module_get_name (module));
    }
  return g_strv_builder_end (builder);
}

/* ---- the node ---- */

/* At its commit, which is long before its end if calls drain. */
static void
on_any_reload_changed (ColletReload *reload, gpointer data)
{
  ColletClusterNode *self = data;
  GPtrArray *items = collet_reload_get_items (reload);

  for (guint i = 0; i < items->len && collet_reload_get_state (reload) != COLLET_RELOAD_RUNNING; i++)
    collet_cluster_agent_poke (self->agent, ((ColletReloadItem *)items->pdata[i])->module);
}

static void
on_reloads_changed (GListModel *reloads, guint position, guint removed, guint added, gpointer data)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (ColletReload) reload = g_list_model_get_item (reloads, i);

      g_signal_connect (reload, "changed", G_CALLBACK (on_any_reload_changed), data);
    }
}

static ColletClusterNode *
node_new (ColletLoader *loader, ColletReloader *reloader)
{
  static const ColletClusterApplierClass class_ = {
    .prepare = prepare,
    .commit = commit,
    .abort = give_up,
    .get_running = get_running,
    .get_counts = get_counts,
    .was_cut_short = was_cut_short,
    .list = list,
  };
  ColletClusterNode *self = g_new0 (ColletClusterNode, 1);

  self->base.class_ = &class_;
  self->reloader = g_object_ref (reloader);
  self->loader = g_object_ref (loader);
  self->promises = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->cut_short = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->works = g_ptr_array_new ();
  self->clock = collet_cluster_clock_new ();
  return self;
}

/* Takes coordination. */
static void
start (ColletClusterNode *self, const ColletClusterConfig *config, ColletCoordination *coordination,
       const ColletClusterListener *listener)
{
  GListModel *reloads = collet_reloader_get_reloads (self->reloader);

  self->agent = collet_cluster_agent_new (config, coordination, &self->base, self->clock, listener);
  g_signal_connect (reloads, "items-changed", G_CALLBACK (on_reloads_changed), self);
  on_reloads_changed (reloads, 0, 0, g_list_model_get_n_items (reloads), self);
}

ColletClusterNode *
collet_cluster_node_new_alone (ColletStore *store, ColletLoader *loader, ColletReloader *reloader,
                               const char *node_name)
{
  const ColletClusterConfig config = {
    .cluster = CLUSTER_OF_ONE,
    .node = node_name,
    .daemon_version = COLLET_VERSION,
    .url = "",
    .fingerprint = "",
    .is_alone = TRUE,
  };
  ColletClusterNode *self = node_new (loader, reloader);

  self->rows = collet_row_keeper_new (store);
  self->hub = collet_embedded_hub_new (collet_row_keeper_get_rows (self->rows));
  start (self, &config, collet_embedded_new (self->hub), NULL);
  return self;
}

ColletClusterNode *
collet_cluster_node_new_joined (const ColletClusterConfig *config, ColletCoordination *coordination,
                                ColletArtifactPeers *peers, ColletLoader *loader, ColletReloader *reloader,
                                const ColletClusterListener *listener)
{
  ColletClusterNode *self = node_new (loader, reloader);

  self->peers = peers;
  start (self, config, coordination, listener);
  return self;
}

/* Nobody is left who would keep them. */
static void
abandon_promises (ColletClusterNode *self)
{
  GHashTableIter iter;
  gpointer reload;

  g_hash_table_iter_init (&iter, self->promises);
  while (g_hash_table_iter_next (&iter, NULL, &reload))
    if (collet_reload_is_prepared (reload))
      collet_reload_abandon (reload, -1, "the node has left its cluster");
}

void
collet_cluster_node_free (ColletClusterNode *self)
{
  GListModel *reloads = collet_reloader_get_reloads (self->reloader);

  g_signal_handlers_disconnect_by_data (reloads, self);
  for (guint i = 0; i < g_list_model_get_n_items (reloads); i++)
    {
      g_autoptr (ColletReload) reload = g_list_model_get_item (reloads, i);

      g_signal_handlers_disconnect_by_data (reload, self);
    }
  collet_cluster_agent_free (self->agent);
  abandon_promises (self);
  /* What is under way at the reloader ends there; those that only wait end here. */
  for (guint i = self->works->len; i > 0; i--)
    {
      Work *work = self->works->pdata[i - 1];

      work->node = NULL;
      if (work->source != 0 || work->reload != NULL)
        work_free (work);
    }
  g_ptr_array_unref (self->works);
  g_hash_table_unref (self->promises);
  g_hash_table_unref (self->cut_short);
  collet_cluster_clock_free (self->clock);
  g_clear_pointer (&self->hub, collet_embedded_hub_unref);
  g_clear_pointer (&self->rows, collet_row_keeper_free);
  g_object_unref (self->reloader);
  g_object_unref (self->loader);
  g_free (self);
}

ColletClusterAgent *
collet_cluster_node_get_agent (ColletClusterNode *self)
{
  return self->agent;
}
