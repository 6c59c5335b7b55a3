/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Of each module, tool by tool, what the new generation's calls are like is held against what the
 * old version's were in the last day: histograms that the generations keep anyway.
 */
#include "collet-trial-window.h"

#include "collet-error.h"

#define TICK_MS 50

/* A module on trial. */
typedef struct
{
  ColletReloadItem *item;
  ColletGeneration *next;     /* referenced */
  ColletHistogram *baselines; /* of the old version, one a tool of the new one's manifest */
  ColletHistogram *befores;   /* what `next` had answered before the window */
} Part;

struct _ColletTrialWindow
{
  ColletReloader *reloader;
  ColletReload *reload;
  GArray *parts;            /* Part */
  gint64 began_us, ends_us; /* monotonic */
  guint tick;
  guint settling; /* until all of a group are published */
  char *verdict;  /* why it is being taken back, or NULL */
  gboolean is_reverting;
  ColletReload *revert; /* or NULL */
  ColletTrialDone done;
  gpointer user_data;
};

static Part *
part_at (ColletTrialWindow *self, guint i)
{
  return &g_array_index (self->parts, Part, i);
}

static const ColletManifest *
manifest_of (const Part *part)
{
  return collet_generation_get_spec (part->next)->manifest;
}

static const char *
tool_name (const Part *part, guint tool)
{
  return ((const ColletManifestTool *)manifest_of (part)->tools->pdata[tool])->name;
}

static void on_changed (ColletDeployment *deployment, gpointer data);
static void on_crashed (ColletDeployment *deployment, ColletGeneration *generation, const GError *error,
                        gboolean will_restart, gpointer data);
static void on_revert_finished (ColletReload *reload, gpointer data);

/* ---- the end ---- */

static void
drop_revert (ColletTrialWindow *self)
{
  if (self->revert != NULL)
    g_signal_handlers_disconnect_by_func (self->revert, on_revert_finished, self);
  g_clear_object (&self->revert);
}

static void
window_free (ColletTrialWindow *self)
{
  for (guint i = 0; i < self->parts->len; i++)
    {
      g_free (part_at (self, i)->baselines);
      g_free (part_at (self, i)->befores);
      g_object_unref (part_at (self, i)->next);
    }
  g_array_unref (self->parts);
  g_free (self->verdict);
  g_object_unref (self->reload);
  g_object_unref (self->reloader);
  g_free (self);
}

/* Takes `note` and `taken_back`. */
static void
finish (ColletTrialWindow *self, char *note, GError *taken_back)
{
  g_autofree char *owned = note;

  g_clear_handle_id (&self->tick, g_source_remove);
  g_clear_handle_id (&self->settling, g_source_remove);
  for (guint i = 0; i < self->parts->len; i++)
    {
      g_signal_handlers_disconnect_by_func (part_at (self, i)->item->deployment, on_changed, self);
      g_signal_handlers_disconnect_by_func (part_at (self, i)->item->deployment, on_crashed, self);
    }
  drop_revert (self);
  g_hash_table_remove (self->reloader->trials, self->reload);
  for (guint i = 0; i < self->parts->len; i++)
    collet_deployment_set_trial (part_at (self, i)->item->deployment, NULL, 0);
  collet_reload_set_trial_ends_at (self->reload, 0);
  if (owned != NULL)
    collet_reload_set_note (self->reload, owned);
  self->done (self->user_data, taken_back);
  window_free (self);
}

/* ---- going back ---- */

/* Not for ever: whoever looks sees that it failed, and why. */
static void
stay_after_all (ColletTrialWindow *self, const GError *error)
{
  char *note = g_strdup_printf ("It should have been taken back (%s), but that failed: %s", self->verdict,
                                error->message);

  g_warning ("Reload %s: %s", collet_reload_get_id (self->reload), note);
  finish (self, note, NULL);
}

static void
on_revert_finished (ColletReload *reload, gpointer data)
{
  ColletTrialWindow *self = data;
  const GError *error = collet_reload_get_error (reload);

  /* Had it gone well, its publication would have ended the window. */
  if (error != NULL)
    stay_after_all (self, error);
}

/* The window may be over by now. */
typedef struct
{
  ColletReloader *reloader; /* referenced */
  ColletReload *reload;     /* referenced */
} Attempt;

static void
on_revert_submitted (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autofree Attempt *attempt = data;
  g_autoptr (ColletReloader) reloader = attempt->reloader;
  g_autoptr (ColletReload) reload = attempt->reload;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletReload) revert = collet_reloader_submit_finish (reloader, result, &error);
  ColletTrialWindow *self = g_hash_table_lookup (reloader->trials, reload);

  if (self == NULL)
    return;
  self->is_reverting = FALSE;
  if (revert != NULL)
    {
      self->revert = g_object_ref (revert);
      if (collet_reload_is_finished (revert))
        on_revert_finished (revert, self);
      else
        g_signal_connect (revert, "finished", G_CALLBACK (on_revert_finished), self);
    }
  else if (!g_error_matches (error, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS) &&
           !g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_PURGED))
    stay_after_all (self, error); /* else: again at the next tick */
}

static void
go_back (ColletTrialWindow *self)
{
  ColletReloadRequest *request = collet_reload_request_new_revert (self->reload, -1);
  Attempt *attempt = g_new (Attempt, 1);

  request->reason = g_strdup (self->verdict);
  self->is_reverting = TRUE;
  *attempt = (Attempt){ g_object_ref (self->reloader), g_object_ref (self->reload) };
  collet_reloader_submit_async (self->reloader, request, on_revert_submitted, attempt);
}

/* Takes `verdict`. */
static void
condemn (ColletTrialWindow *self, char *verdict)
{
  if (self->verdict != NULL)
    {
      g_free (verdict);
      return;
    }
  self->verdict = verdict;
  g_message ("Reload %s of %s is taken back: %s", collet_reload_get_id (self->reload),
             part_at (self, 0)->item->module, verdict);
  go_back (self);
}

static void
on_crashed (ColletDeployment *deployment, ColletGeneration *generation, const GError *error,
            gboolean will_restart, gpointer data)
{
  ColletTrialWindow *self = data;

  for (guint i = 0; i < self->parts->len; i++)
    if (generation == part_at (self, i)->next)
      {
        condemn (self, g_strdup_printf ("It crashed: %s", error->message));
        return;
      }
}

/* ---- somebody else's reload ---- */

static ColletReload *
find_revert (ColletTrialWindow *self)
{
  GListModel *reloads = G_LIST_MODEL (self->reloader->reloads);

  for (guint i = g_list_model_get_n_items (reloads); i-- > 0;)
    {
      g_autoptr (ColletReload) reload = g_list_model_get_item (reloads, i);
      ColletReloadState state = collet_reload_get_state (reload);

      if (g_strcmp0 (collet_reload_get_request (reload)->reverts, collet_reload_get_id (self->reload)) == 0 &&
          (state == COLLET_RELOAD_COMMITTED || state == COLLET_RELOAD_SUCCEEDED))
        return reload; /* the list keeps it */
    }
  return NULL;
}

static void
end_by_other (ColletTrialWindow *self, const Part *part)
{
  ColletReload *revert = find_revert (self);

  if (revert == NULL)
    {
      finish (self,
              g_strdup (self->reloader->is_closing
                            ? "The daemon ended in its trial window; it stays, and was not judged."
                            : "Another reload came before its trial window had ended; it was not judged."),
              NULL);
      return;
    }
  const char *reason = collet_reload_get_request (revert)->reason;
  finish (self, NULL,
          g_error_new (COLLET_ERROR, COLLET_ERROR_TRIAL_FAILED,
                       "Version %s of module \"%s\" was taken back in its trial window by reload %s, which "
                       "published %s again%s%s",
                       part->item->to->semver, part->item->module, collet_reload_get_id (revert),
                       part->item->from->semver, reason != NULL ? ": " : ".", reason != NULL ? reason : ""));
}

static const Part *
find_replaced (ColletTrialWindow *self)
{
  for (guint i = 0; i < self->parts->len; i++)
    if (collet_deployment_get_published (part_at (self, i)->item->deployment) != part_at (self, i)->next)
      return part_at (self, i);
  return NULL;
}

static gboolean
on_settled (gpointer data)
{
  ColletTrialWindow *self = data;

  self->settling = 0;
  end_by_other (self, find_replaced (self));
  return G_SOURCE_REMOVE;
}

/* What takes a group back publishes one after the other: what follows here would end
 * old generations that are about to serve again. */
static void
on_changed (ColletDeployment *deployment, gpointer data)
{
  ColletTrialWindow *self = data;
  const Part *replaced = find_replaced (self);

  if (replaced == NULL || self->settling != 0)
    return;
  if (self->parts->len == 1)
    end_by_other (self, replaced);
  else
    self->settling = g_idle_add_full (G_PRIORITY_HIGH, on_settled, self, NULL);
}

/* ---- judging ---- */

static double
rate_of (const ColletHistogram *histogram)
{
  return histogram->calls > 0 ? (double)histogram->errors / (double)histogram->calls : 0;
}

static void
read_tool (const Part *part, guint tool, ColletHistogram *news)
{
  const ColletHistogram *running = collet_generation_get_histogram (part->next, tool);

  memset (news, 0, sizeof *news);
  if (running == NULL)
    return;
  collet_histogram_copy (running, news);
  collet_histogram_subtract (news, &part->befores[tool]);
  news->max_us = 0; /* of another time */
}

/* NULL: nothing against it. */
static char *
judge_tool (ColletTrialWindow *self, const Part *part, guint tool, const ColletHistogram *news)
{
  const ColletReloadRequest *request = collet_reload_get_request (self->reload);
  const ColletHistogram *baseline = &part->baselines[tool];
  double rate = rate_of (news), before = rate_of (baseline);
  gint64 p95, old_p95;

  if (news->calls < COLLET_TRIAL_MIN_CALLS)
    return NULL;
  if (rate > before + request->trial_error_rate)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                            " calls of %s were not answered well (%.1f %%; %.1f %% before), and %.1f %% more "
                            "than before is the limit.",
                            news->errors, news->calls, tool_name (part, tool), rate * 100, before * 100,
                            request->trial_error_rate * 100);
  if (request->trial_slowdown <= 0 || baseline->calls < COLLET_TRIAL_MIN_CALLS)
    return NULL;
  p95 = collet_histogram_get_quantile (news, 0.95);
  old_p95 = MAX (collet_histogram_get_quantile (baseline, 0.95), 1);
  if ((double)p95 <= request->trial_slowdown * (double)old_p95)
    return NULL;
  return g_strdup_printf ("95 %% of the calls of %s end within %" G_GINT64_FORMAT " us (%" G_GINT64_FORMAT
                          " us before), and %.3g times as long as before is the limit.",
                          tool_name (part, tool), p95, old_p95, request->trial_slowdown);
}

/* What the window showed, for whoever reads the history. */
static char *
describe_success (ColletTrialWindow *self)
{
  ColletHistogram news, all = { 0 }, baseline = { 0 };
  const char *speed = "";
  guint judged = 0;

  for (guint i = 0; i < self->parts->len; i++)
    for (guint tool = 0; tool < manifest_of (part_at (self, i))->tools->len; tool++)
      {
        read_tool (part_at (self, i), tool, &news);
        judged += news.calls >= COLLET_TRIAL_MIN_CALLS;
        collet_histogram_merge (&all, &news);
        collet_histogram_merge (&baseline, &part_at (self, i)->baselines[tool]);
      }
  if (judged == 0)
    return g_strdup_printf ("Its trial window ended with %" G_GUINT64_FORMAT
                            " calls, too few to judge it (no tool had %d); it stays.",
                            all.calls, COLLET_TRIAL_MIN_CALLS);
  if (collet_reload_get_request (self->reload)->trial_slowdown > 0 && baseline.calls < COLLET_TRIAL_MIN_CALLS)
    speed = " The version before had too few calls to compare their times.";
  return g_strdup_printf (
      "Its trial window ended well: %" G_GUINT64_FORMAT " calls, %.1f %% not answered well "
      "(%.1f %% before), 95 %% within %" G_GINT64_FORMAT " us (%" G_GINT64_FORMAT " us before).%s",
      all.calls, rate_of (&all) * 100, rate_of (&baseline) * 100, collet_histogram_get_quantile (&all, 0.95),
      collet_histogram_get_quantile (&baseline, 0.95), speed);
}

static char *
judge_part (ColletTrialWindow *self, const Part *part)
{
  char *verdict = NULL;
  ColletHistogram news;

  for (guint tool = 0; tool < manifest_of (part)->tools->len && verdict == NULL; tool++)
    {
      read_tool (part, tool, &news);
      verdict = judge_tool (self, part, tool, &news);
    }
  return verdict;
}

static gboolean
on_tick (gpointer data)
{
  ColletTrialWindow *self = data;
  char *verdict = NULL;

  if (self->verdict != NULL)
    {
      if (!self->is_reverting && self->revert == NULL && !self->reloader->is_closing)
        go_back (self);
      return G_SOURCE_CONTINUE;
    }
  for (guint i = 0; i < self->parts->len && verdict == NULL; i++)
    verdict = judge_part (self, part_at (self, i));
  if (verdict != NULL)
    {
      condemn (self, verdict);
      return G_SOURCE_CONTINUE;
    }
  if (g_get_monotonic_time () < self->ends_us)
    return G_SOURCE_CONTINUE;
  self->tick = 0;
  finish (self, describe_success (self), NULL);
  return G_SOURCE_REMOVE;
}

/* ---- begin ---- */

static void
take_baselines (ColletTrialWindow *self, Part *part)
{
  guint n = manifest_of (part)->tools->len;

  part->baselines = g_new0 (ColletHistogram, n);
  part->befores = g_new0 (ColletHistogram, n);
  for (guint tool = 0; tool < n; tool++)
    {
      const ColletHistogram *is = collet_generation_get_histogram (part->next, tool);

      collet_statistics_sum (self->reloader->statistics, part->item->from, tool_name (part, tool),
                             &part->baselines[tool]);
      part->baselines[tool].max_us = 0;
      if (is != NULL)
        collet_histogram_copy (is, &part->befores[tool]);
    }
}

static void
add_part (ColletTrialWindow *self, ColletReloadItem *item, gint64 ends_at)
{
  Part part = { .item = item, .next = g_object_ref (item->next) };

  take_baselines (self, &part);
  g_array_append_val (self->parts, part);
  collet_deployment_set_trial (item->deployment, collet_reload_item_was_stateful (item) ? NULL : item->old,
                               ends_at);
  g_signal_connect (item->deployment, "changed", G_CALLBACK (on_changed), self);
  g_signal_connect (item->deployment, "crashed", G_CALLBACK (on_crashed), self);
}

void
collet_trial_window_open (ColletReloader *reloader, ColletReload *reload, ColletTrialDone done,
                          gpointer user_data)
{
  ColletTrialWindow *self = g_new0 (ColletTrialWindow, 1);
  GPtrArray *items = collet_reload_get_items (reload);
  gint64 length_us = (gint64)collet_reload_get_request (reload)->trial_ms * 1000;

  self->reloader = g_object_ref (reloader);
  self->reload = g_object_ref (reload);
  self->parts = g_array_new (FALSE, FALSE, sizeof (Part));
  self->done = done;
  self->user_data = user_data;
  self->began_us = g_get_monotonic_time ();
  self->ends_us = self->began_us + length_us;
  g_hash_table_insert (reloader->trials, reload, self);
  for (guint i = 0; i < items->len; i++)
    add_part (self, items->pdata[i], g_get_real_time () + length_us);
  collet_reload_set_trial_ends_at (reload, g_get_real_time () + length_us);
  self->tick = g_timeout_add (TICK_MS, on_tick, self);
}

gboolean
collet_reloader_confirm (ColletReloader *reloader, ColletReload *reload, gint64 uid, const char *reason,
                         GError **error)
{
  ColletTrialWindow *self = g_hash_table_lookup (reloader->trials, reload);

  if (self == NULL || self->verdict != NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "Reload %s is in no trial window%s. There is nothing to confirm.",
                   collet_reload_get_id (reload), self != NULL ? " any more: it is being taken back" : "");
      return FALSE;
    }
  finish (self,
          g_strdup_printf ("Confirmed by uid %" G_GINT64_FORMAT " before its trial window had ended%s%s", uid,
                           reason != NULL ? ": " : ".", reason != NULL ? reason : ""),
          NULL);
  return TRUE;
}
