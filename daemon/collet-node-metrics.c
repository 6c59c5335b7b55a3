/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-node-metrics.h"

#include "collet-memory-report.h"
#include "collet-quick-promise.h"
#include "collet-registry.h"

#define N_KINDS (COLLET_RELOAD_SHUTDOWN + 1)
#define N_STATES (COLLET_RELOAD_INTERRUPTED + 1)

/* Upper bounds of pauses, in microseconds. */
static const gint64 bounds[] = { 10, 100, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 1000000 };

struct _ColletNodeMetrics
{
  ColletReloader *reloader;
  GHashTable *watched; /* ColletReload that did not finish yet, as a set */
  guint64 ended[N_KINDS][N_STATES];
  guint64 pauses, within[G_N_ELEMENTS (bounds)]; /* not cumulative */
  gint64 pause_sum_us;
};

/* Nobody waits for a module that was not there, or is not there any more. */
static gboolean
is_replacement (ColletReload *reload)
{
  GPtrArray *items = collet_reload_get_items (reload);

  for (guint i = 0; i < items->len; i++)
    {
      const ColletReloadItem *item = items->pdata[i];

      if (item->from != NULL && item->to != NULL)
        return TRUE;
    }
  return FALSE;
}

static void
count_pause (ColletNodeMetrics *self, gint64 pause_us)
{
  guint bucket = 0;

  while (bucket < G_N_ELEMENTS (bounds) && pause_us > bounds[bucket])
    bucket++;
  if (bucket < G_N_ELEMENTS (bounds))
    self->within[bucket]++;
  self->pauses++;
  self->pause_sum_us += pause_us;
}

static void
on_finished (ColletReload *reload, gpointer data)
{
  ColletNodeMetrics *self = data;
  ColletReloadState state = collet_reload_get_state (reload);

  self->ended[collet_reload_get_request (reload)->kind][state]++;
  if (state == COLLET_RELOAD_SUCCEEDED && is_replacement (reload))
    count_pause (self, collet_reload_get_pause_us (reload));
  g_signal_handlers_disconnect_by_data (reload, self);
  g_hash_table_remove (self->watched, reload);
}

static void
on_items_changed (GListModel *reloads, guint position, guint removed, guint added, gpointer data)
{
  ColletNodeMetrics *self = data;

  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (ColletReload) reload = g_list_model_get_item (reloads, i);

      if (collet_reload_is_finished (reload) || !g_hash_table_add (self->watched, g_object_ref (reload)))
        continue;
      g_signal_connect (reload, "finished", G_CALLBACK (on_finished), self);
    }
}

ColletNodeMetrics *
collet_node_metrics_new (ColletReloader *reloader)
{
  ColletNodeMetrics *self = g_new0 (ColletNodeMetrics, 1);

  self->reloader = g_object_ref (reloader);
  self->watched = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  g_signal_connect (collet_reloader_get_reloads (reloader), "items-changed", G_CALLBACK (on_items_changed),
                    self);
  return self;
}

void
collet_node_metrics_free (ColletNodeMetrics *self)
{
  GHashTableIter iter;
  gpointer reload;

  g_signal_handlers_disconnect_by_data (collet_reloader_get_reloads (self->reloader), self);
  g_hash_table_iter_init (&iter, self->watched);
  while (g_hash_table_iter_next (&iter, &reload, NULL))
    g_signal_handlers_disconnect_by_data (reload, self);
  g_hash_table_unref (self->watched);
  g_object_unref (self->reloader);
  g_free (self);
}

static void
append_reloads (const ColletNodeMetrics *self, GString *out)
{
  g_string_append_printf (out,
                          "# HELP collet_reloads_running Changes under way, prepared ones too.\n"
                          "# TYPE collet_reloads_running gauge\n"
                          "collet_reloads_running %u\n"
                          "# HELP collet_reloads_total Changes that ended, by what was asked and how.\n"
                          "# TYPE collet_reloads_total counter\n",
                          g_hash_table_size (self->watched));
  for (guint kind = 0; kind < N_KINDS; kind++)
    for (guint state = 0; state < N_STATES; state++)
      if (self->ended[kind][state] > 0)
        g_string_append_printf (out, "collet_reloads_total{kind=\"%s\",state=\"%s\"} %" G_GUINT64_FORMAT "\n",
                                collet_reload_kind_to_string ((ColletReloadKind)kind),
                                collet_reload_state_to_string ((ColletReloadState)state),
                                self->ended[kind][state]);
}

static void
append_pauses (const ColletNodeMetrics *self, GString *out)
{
  guint64 below = 0;

  g_string_append (out,
                   "# HELP collet_reload_pause_seconds How long calls waited in changes that succeeded.\n"
                   "# TYPE collet_reload_pause_seconds histogram\n");
  for (guint i = 0; i < G_N_ELEMENTS (bounds); i++)
    {
      below += self->within[i];
      g_string_append_printf (out, "collet_reload_pause_seconds_bucket{le=\"%g\"} %" G_GUINT64_FORMAT "\n",
                              (double)bounds[i] / 1e6, below);
    }
  g_string_append_printf (out,
                          "collet_reload_pause_seconds_bucket{le=\"+Inf\"} %" G_GUINT64_FORMAT "\n"
                          "collet_reload_pause_seconds_sum %.6f\n"
                          "collet_reload_pause_seconds_count %" G_GUINT64_FORMAT "\n",
                          self->pauses, (double)self->pause_sum_us / 1e6, self->pauses);
}

/* Names of modules and versions are of restricted alphabets, so nothing needs to be
 * escaped. */
static void
append_module (const ColletModuleFacts *facts, ColletDeployment *deployment, GString *info, GString *live,
               GString *crashes)
{
  g_string_append_printf (info,
                          "collet_module_info{module=\"%s\",version=\"%s\",sha256=\"%s\",host=\"%s\"} 1\n",
                          facts->name, facts->version->semver, facts->version->sha256, facts->host);
  if (deployment == NULL)
    return;
  g_string_append_printf (live, "collet_module_generations{module=\"%s\"} %u\n", facts->name,
                          collet_deployment_get_live (deployment));
  g_string_append_printf (crashes, "collet_module_crashes_total{module=\"%s\"} %" G_GUINT64_FORMAT "\n",
                          facts->name, collet_deployment_get_crashes (deployment));
}

static void
append_modules (const ColletNodeMetrics *self, GString *out)
{
  GListModel *modules = collet_registry_get_modules (collet_reloader_get_registry (self->reloader));
  guint n = g_list_model_get_n_items (modules);
  g_autoptr (GString) live = g_string_new (NULL);
  g_autoptr (GString) crashes = g_string_new (NULL);

  g_string_append (out, "# HELP collet_module_info What serves.\n# TYPE collet_module_info gauge\n");
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (ColletModule) module = g_list_model_get_item (modules, i);
      const ColletModuleFacts *facts = collet_module_get_facts (module);

      if (facts->version != NULL)
        append_module (facts, collet_reloader_find_deployment (self->reloader, facts->name), out, live,
                       crashes);
    }
  g_string_append_printf (out,
                          "# HELP collet_module_generations Versions that run or may be started, those that "
                          "finish their last calls too.\n"
                          "# TYPE collet_module_generations gauge\n%s"
                          "# HELP collet_module_crashes_total How often a module's process died.\n"
                          "# TYPE collet_module_crashes_total counter\n%s",
                          live->str, crashes->str);
}

static void
append_promises (GString *out)
{
  g_string_append_printf (
      out,
      "# HELP collet_quick_promises_broken_total In-process modules that promised to be quick and were not.\n"
      "# TYPE collet_quick_promises_broken_total counter\n"
      "collet_quick_promises_broken_total %u\n",
      collet_quick_promise_count_broken ());
}

void
collet_node_metrics_append (ColletNodeMetrics *self, GString *out)
{
  append_modules (self, out);
  append_reloads (self, out);
  append_pauses (self, out);
  append_promises (out);
  collet_memory_report_append (out);
}
