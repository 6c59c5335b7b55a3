/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tool by tool, what the new generation's calls are like is held against what the
 * old version's were in the last day: histograms that the generations keep anyway.
 */
#include "collet-trial-window.h"

#include "collet-error.h"

#define TICK_MS 50

struct _ColletTrialWindow
{
  ColletReloader *reloader;
  ColletReload *reload;
  ColletReloadItem *item;
  ColletGeneration *next;     /* referenced */
  ColletHistogram *baselines; /* of the old version, one a tool of the new one's manifest */
  ColletHistogram *befores;   /* what `next` had answered before the window */
  gint64 began_us, ends_us;   /* monotonic */
  guint tick;
  char *verdict; /* why it is being taken back, or NULL */
  gboolean is_reverting;
  ColletReload *revert; /* or NULL */
  ColletTrialDone done;
  gpointer user_data;
};

static const ColletManifest *
manifest_of (ColletTrialWindow *self)
{
  return collet_generation_get_spec (self->next)->manifest;
}

static const char *
tool_name (ColletTrialWindow *self, guint tool)
{
  return ((const ColletManifestTool *)manifest_of (self)->tools->pdata[tool])->name;
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
  g_free (self->baselines);
  g_free (self->befores);
  g_free (self->verdict);
  g_object_unref (self->next);
  g_object_unref (self->reload);
  g_object_unref (self->reloader);
  g_free (self);
}

/* Takes `note` and `taken_back`. */
static void
finish (ColletTrialWindow *self, char *note, GError *taken_back)
{
  g_autofree char *owned = note;
  ColletDeployment *deployment = self->item->deployment;

  g_clear_handle_id (&self->tick, g_source_remove);
  g_signal_handlers_disconnect_by_func (deployment, on_changed, self);
  g_signal_handlers_disconnect_by_func (deployment, on_crashed, self);
  drop_revert (self);
  g_hash_table_remove (self->reloader->trials, self->reload);
  collet_deployment_set_trial (deployment, NULL, 0);
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

  g_warning ("Module %s: %s", self->item->module, note);
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
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_ROLLBACK, -1);
  Attempt *attempt = g_new (Attempt, 1);

  request->module = g_strdup (self->item->module);
  request->version = g_strdup (self->item->from->sha256);
  request->expect_version = g_strdup (self->item->to->sha256);
  request->state_choice = COLLET_STATE_AUTO;
  request->reverts = g_strdup (collet_reload_get_id (self->reload));
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
  g_message ("Module %s: version %s is taken back: %s", self->item->module, self->item->to->semver, verdict);
  go_back (self);
}

static void
on_crashed (ColletDeployment *deployment, ColletGeneration *generation, const GError *error,
            gboolean will_restart, gpointer data)
{
  ColletTrialWindow *self = data;

  if (generation == self->next)
    condemn (self, g_strdup_printf ("It crashed: %s", error->message));
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
on_changed (ColletDeployment *deployment, gpointer data)
{
  ColletTrialWindow *self = data;

  if (collet_deployment_get_published (deployment) == self->next)
    return;

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
                       self->item->to->semver, self->item->module, collet_reload_get_id (revert),
                       self->item->from->semver, reason != NULL ? ": " : ".", reason != NULL ? reason : ""));
}

/* ---- judging ---- */

static double
rate_of (const ColletHistogram *histogram)
{
  return histogram->calls > 0 ? (double)histogram->errors / (double)histogram->calls : 0;
}

static void
read_tool (ColletTrialWindow *self, guint tool, ColletHistogram *news)
{
  const ColletHistogram *running = collet_generation_get_histogram (self->next, tool);

  memset (news, 0, sizeof *news);
  if (running == NULL)
    return;
  collet_histogram_copy (running, news);
  collet_histogram_subtract (news, &self->befores[tool]);
  news->max_us = 0; /* of another time */
}

/* NULL: nothing against it. */
static char *
judge_tool (ColletTrialWindow *self, guint tool, const ColletHistogram *news)
{
  const ColletReloadRequest *request = collet_reload_get_request (self->reload);
  const ColletHistogram *baseline = &self->baselines[tool];
  double rate = rate_of (news), before = rate_of (baseline);
  gint64 p95, old_p95;

  if (news->calls < COLLET_TRIAL_MIN_CALLS)
    return NULL;
  if (rate > before + request->trial_error_rate)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                            " calls of %s were not answered well (%.1f %%; %.1f %% before), and %.1f %% more "
                            "than before is the limit.",
                            news->errors, news->calls, tool_name (self, tool), rate * 100, before * 100,
                            request->trial_error_rate * 100);
  if (request->trial_slowdown <= 0 || baseline->calls < COLLET_TRIAL_MIN_CALLS)
    return NULL;
  p95 = collet_histogram_get_quantile (news, 0.95);
  old_p95 = MAX (collet_histogram_get_quantile (baseline, 0.95), 1);
  if ((double)p95 <= request->trial_slowdown * (double)old_p95)
    return NULL;
  return g_strdup_printf ("95 %% of the calls of %s end within %" G_GINT64_FORMAT " us (%" G_GINT64_FORMAT
                          " us before), and %.3g times as long as before is the limit.",
                          tool_name (self, tool), p95, old_p95, request->trial_slowdown);
}

/* What the window showed, for whoever reads the history. */
static char *
describe_success (ColletTrialWindow *self)
{
  ColletHistogram news, all = { 0 }, baseline = { 0 };
  const char *speed = "";
  guint judged = 0;

  for (guint tool = 0; tool < manifest_of (self)->tools->len; tool++)
    {
      read_tool (self, tool, &news);
      judged += news.calls >= COLLET_TRIAL_MIN_CALLS;
      collet_histogram_merge (&all, &news);
      collet_histogram_merge (&baseline, &self->baselines[tool]);
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

static gboolean
on_tick (gpointer data)
{
  ColletTrialWindow *self = data;
  char *verdict = NULL;
  ColletHistogram news;

  if (self->verdict != NULL)
    {
      if (!self->is_reverting && self->revert == NULL && !self->reloader->is_closing)
        go_back (self);
      return G_SOURCE_CONTINUE;
    }
  for (guint tool = 0; tool < manifest_of (self)->tools->len && verdict == NULL; tool++)
    {
      read_tool (self, tool, &news);
      verdict = judge_tool (self, tool, &news);
    }
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
take_baselines (ColletTrialWindow *self)
{
  guint n = manifest_of (self)->tools->len;

  self->baselines = g_new0 (ColletHistogram, n);
  self->befores = g_new0 (ColletHistogram, n);
  for (guint tool = 0; tool < n; tool++)
    {
      const ColletHistogram *is = collet_generation_get_histogram (self->next, tool);

      collet_statistics_sum (self->reloader->statistics, self->item->from, tool_name (self, tool),
                             &self->baselines[tool]);
      self->baselines[tool].max_us = 0;
      if (is != NULL)
        collet_histogram_copy (is, &self->befores[tool]);
    }
}

void
collet_trial_window_open (ColletReloader *reloader, ColletReload *reload, gboolean warm, ColletTrialDone done,
                          gpointer user_data)
{
  ColletTrialWindow *self = g_new0 (ColletTrialWindow, 1);
  gint64 length_us = (gint64)collet_reload_get_request (reload)->trial_ms * 1000;

  self->reloader = g_object_ref (reloader);
  self->reload = g_object_ref (reload);
  self->item = collet_reload_get_items (reload)->pdata[0];
  self->next = g_object_ref (self->item->next);
  self->done = done;
  self->user_data = user_data;
  self->began_us = g_get_monotonic_time ();
  self->ends_us = self->began_us + length_us;
  take_baselines (self);
  g_hash_table_insert (reloader->trials, reload, self);
  collet_deployment_set_trial (self->item->deployment, warm ? self->item->old : NULL,
                               g_get_real_time () + length_us);
  collet_reload_set_trial_ends_at (reload, g_get_real_time () + length_us);
  g_signal_connect (self->item->deployment, "changed", G_CALLBACK (on_changed), self);
  g_signal_connect (self->item->deployment, "crashed", G_CALLBACK (on_crashed), self);
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
