/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-rules.h"

#include "collet-error.h"

#include <string.h>

/* ---- what is put before everyone ---- */

static gboolean
check_free (const ColletClusterView *view, const ColletClusterRequest *request, gint64 now, GError **error)
{
  const char *txid = collet_cluster_view_get_lock (view, request->module);
  const ColletSpec *spec = txid != NULL ? collet_cluster_view_get_spec (view, txid) : NULL;
  const ColletDesired *desired = collet_cluster_view_get_desired (view, request->module);

  if (txid != NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS,
                   "Reload %s of %s is in progress (by %s, %" G_GINT64_FORMAT
                   " s). Wait for it, or cancel it.",
                   txid, request->module, spec != NULL ? spec->coordinator : "an unknown node",
                   spec != NULL ? MAX (0, (now - spec->started_at) / G_USEC_PER_SEC) : 0);
      return FALSE;
    }
  if (desired != NULL && desired->rollout != NULL && g_strcmp0 (desired->rollout->state, "done") != 0 &&
      g_strcmp0 (request->kind, "rollback") != 0)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS,
                   "The rolling reload %s of %s is at wave %u of %u. Promote it to the end, or roll it back.",
                   desired->txid, request->module, desired->rollout->wave + 1, desired->rollout->waves->len);
      return FALSE;
    }
  /* Two nodes may find at once that it has to go, or somebody agree on another version meanwhile. */
  if (request->reverts != NULL && (desired == NULL || g_strcmp0 (desired->txid, request->reverts) != 0))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS,
                   "Reload %s of %s was followed by another one (%s), so it is not taken back. Look, and try "
                   "again.",
                   request->reverts, request->module, desired != NULL ? desired->txid : "none");
      return FALSE;
    }
  return TRUE;
}

static char *
join_names (GPtrArray *names)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < names->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", (const char *)names->pdata[i]);
  return g_string_free (text, FALSE);
}

static gboolean
check_reachable (const ColletClusterRequest *request, GPtrArray *down, guint n_roster, GError **error)
{
  g_autofree char *names = join_names (down);
  gboolean is_quorum = g_str_equal (request->strategy, "quorum");

  if (down->len == 0)
    return TRUE;
  if (is_quorum)
    {
      if ((n_roster - down->len) * 2 > n_roster)
        return TRUE;
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED,
                   "Only %u of %u nodes are up; down: %s. A quorum needs more than half.",
                   n_roster - down->len, n_roster, names);
      return FALSE;
    }
  if (request->require_live)
    return TRUE;
  g_set_error (
      error, COLLET_ERROR, COLLET_ERROR_NODE_FAILED,
      "Not all nodes are up; down: %s. Start them, remove them from the cluster, or ask for the live "
      "nodes only.",
      names);
  return FALSE;
}

static GStrv
choose_participants (const ColletClusterView *view, const ColletClusterRequest *request, GError **error)
{
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (view, COLLET_KEY_NODE);
  g_autoptr (GPtrArray) down = g_ptr_array_new ();
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  guint n = 0;

  for (guint i = 0; i < roster->len; i++)
    {
      gboolean is_live = collet_cluster_view_is_live (view, roster->pdata[i]);

      if (!is_live)
        g_ptr_array_add (down, roster->pdata[i]);
      if (is_live || !request->require_live)
        {
          g_strv_builder_add (builder, roster->pdata[i]);
          n++;
        }
    }
  if (!check_reachable (request, down, roster->len, error))
    return NULL;
  if (n > 0 && n <= COLLET_CLUSTER_MAX_NODES)
    return g_strv_builder_end (builder);
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_NODE_FAILED, "There are %u nodes that could take part.", n);
  return NULL;
}

ColletSpec *
collet_cluster_plan (const ColletClusterView *view, const ColletClusterRequest *request, const char *me,
                     const char *txid, gint64 now, GError **error)
{
  const ColletDesired *desired = collet_cluster_view_get_desired (view, request->module);
  g_autoptr (ColletSpec) spec = g_new0 (ColletSpec, 1);

  if (!check_free (view, request, now, error))
    return NULL;
  spec->participants = choose_participants (view, request, error);
  if (spec->participants == NULL)
    return NULL;
  if (request->rollout != NULL)
    {
      spec->rollout = collet_rollout_resolve (request->rollout, spec->participants, error);
      if (spec->rollout == NULL)
        return NULL;
    }
  spec->txid = g_strdup (txid);
  spec->module = g_strdup (request->module);
  spec->sha256 = g_strdup (request->sha256);
  spec->version = g_strdup (request->version);
  spec->kind = g_strdup (request->kind);
  spec->strategy = g_strdup (request->strategy);
  spec->coordinator = g_strdup (me);
  spec->base_epoch = desired != NULL ? desired->epoch : 0;
  spec->base_rev = collet_cluster_view_get_mod_rev (view, COLLET_KEY_DESIRED, request->module, NULL);
  spec->base_sha256 = desired != NULL ? g_strdup (desired->sha256) : NULL;
  spec->timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : COLLET_CLUSTER_TIMEOUT_MS;
  spec->uid = request->uid;
  spec->started_at = now;
  spec->reason = g_strdup (request->reason);
  spec->reverts = g_strdup (request->reverts);
  spec->options = g_strdup (request->options);
  spec->clear_overrides = request->clear_overrides;
  return g_steal_pointer (&spec);
}

int
collet_cluster_rank (const ColletSpec *spec, const char *node)
{
  for (int i = 0; spec->participants[i] != NULL; i++)
    {
      if (g_str_equal (spec->participants[i], node))
        return i;
    }
  return -1;
}

/* ---- votes ---- */

typedef struct
{
  guint n;
  guint yes;
  guint no;
  const char *refuser; /* first that said no */
  const ColletVote *refusal;
  const char *lost; /* first without a vote and without a sign of life, or NULL */
  GString *silent;  /* names without a vote */
} Count;

static void
count_votes (const ColletClusterView *view, const ColletSpec *spec, Count *count)
{
  for (guint i = 0; spec->participants[i] != NULL; i++)
    {
      const char *node = spec->participants[i];
      const ColletVote *vote = collet_cluster_view_get_vote (view, spec->txid, node);

      count->n++;
      if (vote == NULL)
        {
          g_string_append_printf (count->silent, "%s%s", count->silent->len > 0 ? ", " : "", node);
          if (count->lost == NULL && !collet_cluster_view_is_live (view, node))
            count->lost = node;
          continue;
        }
      count->yes += vote->is_yes ? 1 : 0;
      count->no += vote->is_yes ? 0 : 1;
      if (!vote->is_yes && count->refuser == NULL)
        {
          count->refuser = node;
          count->refusal = vote;
        }
    }
}

static void
say (char **error, char **message, ColletError code, char *text)
{
  *error = g_strdup (collet_error_name (code));
  *message = text;
}

static char *
describe_refusal (const Count *count)
{
  return g_strdup_printf ("%s refused: %s: %s", count->refuser,
                          count->refusal->error != NULL ? count->refusal->error : "Failed",
                          count->refusal->message != NULL ? count->refusal->message : "no reason given");
}

static ColletTallyVerdict
tally_all (const Count *count, const ColletSpec *spec, gboolean is_expired, char **error, char **message)
{
  if (count->no > 0)
    say (error, message, COLLET_ERROR_NODE_FAILED, describe_refusal (count));
  else if (count->yes == count->n)
    return COLLET_TALLY_COMMIT;
  else if (count->lost != NULL)
    say (error, message, COLLET_ERROR_NODE_FAILED, g_strdup_printf ("%s lost (lease expired)", count->lost));
  else if (is_expired)
    say (error, message, COLLET_ERROR_TIMEOUT,
         g_strdup_printf ("no vote within %" G_GINT64_FORMAT " ms: %s", spec->timeout_ms,
                          count->silent->str));
  else
    return COLLET_TALLY_WAIT;
  return COLLET_TALLY_ABORT;
}

static ColletTallyVerdict
tally_quorum (const Count *count, const ColletSpec *spec, gboolean is_expired, char **error, char **message)
{
  g_autofree char *refusal = count->no > 0 ? describe_refusal (count) : NULL;

  if (count->yes * 2 > count->n)
    return COLLET_TALLY_COMMIT;
  if ((count->n - count->no) * 2 <= count->n)
    say (error, message, COLLET_ERROR_QUORUM_NOT_REACHED,
         g_strdup_printf ("%u of %u nodes refused; %s", count->no, count->n, refusal));
  else if (is_expired)
    say (error, message, COLLET_ERROR_QUORUM_NOT_REACHED,
         g_strdup_printf ("%u of %u nodes agreed within %" G_GINT64_FORMAT " ms; no vote: %s%s%s", count->yes,
                          count->n, spec->timeout_ms, count->silent->str, refusal != NULL ? "; " : "",
                          refusal != NULL ? refusal : ""));
  else
    return COLLET_TALLY_WAIT;
  return COLLET_TALLY_ABORT;
}

ColletTallyVerdict
collet_cluster_tally (const ColletClusterView *view, const ColletSpec *spec, gboolean is_expired,
                      char **error, char **message)
{
  Count count = { .silent = g_string_new (NULL) };
  ColletTallyVerdict verdict;

  *error = NULL;
  *message = NULL;
  count_votes (view, spec, &count);
  if (g_str_equal (spec->strategy, "quorum"))
    verdict = tally_quorum (&count, spec, is_expired, error, message);
  else
    verdict = tally_all (&count, spec, is_expired, error, message);
  g_string_free (count.silent, TRUE);
  return verdict;
}

/* ---- what runs where ---- */

gboolean
collet_cluster_get_target (const ColletClusterView *view, const char *module, const char *node,
                           ColletTarget *target)
{
  const ColletDesired *desired = collet_cluster_view_get_desired (view, module);
  const ColletOverride *override = collet_cluster_view_get_override (view, module, node);

  if (override != NULL)
    {
      *target = (ColletTarget){ .sha256 = override->sha256, .version = override->version };
      return TRUE;
    }
  if (desired == NULL)
    return FALSE;
  *target = (ColletTarget){ .sha256 = desired->sha256, .version = desired->version, .epoch = desired->epoch };
  if (desired->rollout != NULL && collet_rollout_wave_of (desired->rollout, node) > desired->rollout->wave)
    {
      target->sha256 = desired->base_sha256;
      target->version = NULL;
      target->epoch = desired->epoch - 1;
    }
  return target->sha256 != NULL;
}

typedef struct
{
  GHashTable *counts; /* sha256 to number of nodes */
  GHashTable *epochs; /* sha256 to its newest epoch */
  GHashTable *versions;
} Survey;

static void
note_history (const char *a, const char *b, gconstpointer record, gpointer user_data)
{
  const ColletHistory *history = record;
  Survey *survey = user_data;
  gint64 *known = g_hash_table_lookup (survey->epochs, history->sha256);

  if (known == NULL || *known < history->epoch)
    g_hash_table_replace (survey->epochs, history->sha256, g_memdup2 (&history->epoch, sizeof (gint64)));
  if (history->version != NULL)
    g_hash_table_replace (survey->versions, history->sha256, history->version);
}

static void
note_nodes (const ColletClusterView *view, const char *module, Survey *survey)
{
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (view, COLLET_KEY_NODE);

  for (guint i = 0; i < roster->len; i++)
    {
      const ColletApplied *applied = collet_cluster_view_get_applied (view, module, roster->pdata[i]);
      const ColletOverride *override = collet_cluster_view_get_override (view, module, roster->pdata[i]);
      char *sha256 = override != NULL ? override->sha256 : applied != NULL ? applied->sha256 : NULL;

      if (sha256 == NULL || !collet_cluster_view_is_live (view, roster->pdata[i]))
        continue;
      g_hash_table_replace (survey->counts, sha256,
                            GUINT_TO_POINTER (
                                GPOINTER_TO_UINT (g_hash_table_lookup (survey->counts, sha256)) + 1));
    }
}

/* Whether a comes before b. */
static gboolean
is_preferred (const Survey *survey, const char *a, const char *b)
{
  guint count_a = GPOINTER_TO_UINT (g_hash_table_lookup (survey->counts, a));
  guint count_b = GPOINTER_TO_UINT (g_hash_table_lookup (survey->counts, b));
  const gint64 *epoch_a = g_hash_table_lookup (survey->epochs, a);
  const gint64 *epoch_b = g_hash_table_lookup (survey->epochs, b);

  if (count_a != count_b)
    return count_a > count_b;
  if ((epoch_a != NULL ? *epoch_a : 0) != (epoch_b != NULL ? *epoch_b : 0))
    return (epoch_a != NULL ? *epoch_a : 0) > (epoch_b != NULL ? *epoch_b : 0);
  return strcmp (a, b) < 0;
}

static char *
choose_common (const ColletClusterView *view, const char *module, char **version)
{
  Survey survey = {
    .counts = g_hash_table_new (g_str_hash, g_str_equal),
    .epochs = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free),
    .versions = g_hash_table_new (g_str_hash, g_str_equal),
  };
  const char *best = NULL;
  GHashTableIter iter;
  gpointer sha256;

  note_nodes (view, module, &survey);
  collet_cluster_view_foreach (view, COLLET_KEY_HISTORY, module, note_history, &survey);
  g_hash_table_iter_init (&iter, survey.counts);
  while (g_hash_table_iter_next (&iter, &sha256, NULL))
    {
      if (best == NULL || is_preferred (&survey, sha256, best))
        best = sha256;
    }
  *version = best != NULL ? g_strdup (g_hash_table_lookup (survey.versions, best)) : NULL;
  g_hash_table_unref (survey.counts);
  g_hash_table_unref (survey.epochs);
  g_hash_table_unref (survey.versions);
  return g_strdup (best);
}

char *
collet_cluster_sync_target (const ColletClusterView *view, const char *module, gboolean is_desired,
                            char **version, GError **error)
{
  const ColletDesired *desired = collet_cluster_view_get_desired (view, module);
  char *sha256;

  *version = NULL;
  if (is_desired && desired != NULL)
    {
      *version = g_strdup (desired->version);
      return g_strdup (desired->sha256);
    }
  sha256 = is_desired ? NULL : choose_common (view, module, version);
  if (sha256 == NULL)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                 is_desired ? "No version of %s was agreed in the cluster." : "No node that is up runs %s.",
                 module);
  return sha256;
}

typedef struct
{
  const ColletDesired *desired;
  const char *version;
  const ColletHistory *found;
} Wanted;

static void
look_at_history (const char *a, const char *b, gconstpointer record, gpointer user_data)
{
  const ColletHistory *history = record;
  Wanted *wanted = user_data;
  gboolean is_meant = *wanted->version == '\0' ? history->epoch < wanted->desired->epoch &&
                                                     !g_str_equal (history->sha256, wanted->desired->sha256)
                                               : g_str_has_prefix (history->sha256, wanted->version);

  if (is_meant && (wanted->found == NULL || wanted->found->epoch < history->epoch))
    wanted->found = history;
}

const ColletHistory *
collet_cluster_rollback_target (const ColletClusterView *view, const char *module, const char *version,
                                GError **error)
{
  Wanted wanted = { .desired = collet_cluster_view_get_desired (view, module), .version = version };

  if (wanted.desired != NULL)
    collet_cluster_view_foreach (view, COLLET_KEY_HISTORY, module, look_at_history, &wanted);
  if (wanted.found == NULL)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                 *version == '\0' ? "There is no earlier version of %s that was agreed in the cluster%s."
                                  : "The cluster never agreed on a version of %s that begins with %s.",
                 module, version);
  return wanted.found;
}
