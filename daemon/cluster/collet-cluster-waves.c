/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-rules.h"

#include "collet-error.h"

#include <string.h>

/* ---- who is in which ---- */

/* Takes the next nodes until `percent` of all have been taken. */
static void
take_part (GPtrArray *left, guint n, guint64 percent, GStrvBuilder *into)
{
  guint reached = (guint)((n * percent + 99) / 100);

  while (left->len > 0 && n - left->len < reached)
    {
      g_strv_builder_add (into, left->pdata[0]);
      g_ptr_array_remove_index (left, 0);
    }
}

/* A wave as it was asked for: names, or "25%" of all, those before included. */
static GStrv
resolve_wave (GStrv asked, GPtrArray *left, guint n, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; asked[i] != NULL; i++)
    {
      guint index = 0;

      if (g_str_has_suffix (asked[i], "%"))
        {
          g_autofree char *number = g_strndup (asked[i], strlen (asked[i]) - 1);
          guint64 percent = 0;

          if (!g_ascii_string_to_unsigned (number, 10, 1, 100, &percent, error))
            return NULL;
          take_part (left, n, percent, builder);
          continue;
        }
      if (!g_ptr_array_find_with_equal_func (left, asked[i], g_str_equal, &index))
        {
          g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                       "A wave names \"%s\", which takes no part or is in an earlier wave.", asked[i]);
          return NULL;
        }
      g_strv_builder_add (builder, asked[i]);
      g_ptr_array_remove_index (left, index);
    }
  return g_strv_builder_end (builder);
}

ColletRollout *
collet_rollout_resolve (const ColletRollout *asked, GStrv participants, GError **error)
{
  g_autoptr (ColletRollout) rollout = collet_rollout_copy (asked);
  g_autoptr (GPtrArray) left = g_ptr_array_new ();
  g_autoptr (GStrvBuilder) rest = g_strv_builder_new ();
  guint n = g_strv_length (participants);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (left, participants[i]);
  for (guint i = 0; i < rollout->waves->len; i++)
    {
      GStrv wave = resolve_wave (rollout->waves->pdata[i], left, n, error);

      if (wave == NULL)
        {
          g_prefix_error (error, "Wave %u: ", i + 1);
          return NULL;
        }
      g_strfreev (rollout->waves->pdata[i]);
      rollout->waves->pdata[i] = wave;
    }
  for (guint i = 0; i < left->len; i++)
    g_strv_builder_add (rest, left->pdata[i]);
  if (left->len > 0 || rollout->waves->len == 0)
    g_ptr_array_add (rollout->waves, g_strv_builder_end (rest));
  rollout->wave = 0;
  g_free (rollout->state);
  rollout->state = g_strdup ("running");
  return g_steal_pointer (&rollout);
}

guint
collet_rollout_wave_of (const ColletRollout *rollout, const char *node)
{
  for (guint i = 0; i < rollout->waves->len; i++)
    {
      if (g_strv_contains (rollout->waves->pdata[i], node))
        return i;
    }
  return MAX (rollout->waves->len, 1) - 1;
}

/* ---- whether a wave is good ---- */

typedef struct
{
  gint64 calls;
  gint64 errors;
  guint failed;
  guint waiting;
} Wave;

static void
survey_wave (const ColletClusterView *view, const char *module, const ColletDesired *desired, Wave *wave)
{
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (view, COLLET_KEY_NODE);

  for (guint i = 0; i < roster->len; i++)
    {
      const char *node = roster->pdata[i];
      const ColletApplied *applied = collet_cluster_view_get_applied (view, module, node);

      if (collet_rollout_wave_of (desired->rollout, node) > desired->rollout->wave ||
          collet_cluster_view_get_override (view, module, node) != NULL)
        continue;
      if (applied == NULL || applied->epoch < desired->epoch)
        wave->waiting += collet_cluster_view_is_live (view, node) ? 1 : 0;
      else if (g_str_equal (applied->state, "failed"))
        wave->failed++;
      else
        {
          wave->calls += applied->calls;
          wave->errors += applied->errors;
        }
    }
}

gboolean
collet_cluster_is_wave_applied (const ColletClusterView *view, const char *module)
{
  const ColletDesired *desired = collet_cluster_view_get_desired (view, module);
  Wave wave = { 0 };

  if (desired == NULL || desired->rollout == NULL)
    return TRUE;
  survey_wave (view, module, desired, &wave);
  return wave.waiting == 0;
}

ColletRolloutVerdict
collet_cluster_judge_wave (const ColletClusterView *view, const char *module, gboolean is_baked,
                           char **message)
{
  const ColletDesired *desired = collet_cluster_view_get_desired (view, module);
  const ColletRollout *rollout = desired != NULL ? desired->rollout : NULL;
  Wave wave = { 0 };

  *message = NULL;
  if (rollout == NULL || g_strcmp0 (rollout->state, "running") != 0)
    return COLLET_ROLLOUT_WAIT;
  survey_wave (view, module, desired, &wave);
  if (wave.failed > 0)
    *message = g_strdup_printf ("%u nodes of wave %u could not apply it", wave.failed, rollout->wave + 1);
  else if (rollout->max_error_rate > 0 && wave.calls >= MAX (rollout->min_calls, 1) &&
           (double)wave.errors / (double)wave.calls > rollout->max_error_rate)
    *message = g_strdup_printf ("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
                                " calls failed in wave %u; the limit is %g",
                                wave.errors, wave.calls, rollout->wave + 1, rollout->max_error_rate);
  if (*message != NULL)
    return rollout->auto_revert ? COLLET_ROLLOUT_REVERT : COLLET_ROLLOUT_PAUSE;
  if (wave.waiting > 0 || !is_baked)
    return COLLET_ROLLOUT_WAIT;
  if (wave.calls < rollout->min_calls && rollout->wave + 1 < rollout->waves->len)
    {
      *message = g_strdup_printf ("inconclusive: %" G_GINT64_FORMAT " calls in wave %u, %" G_GINT64_FORMAT
                                  " are needed",
                                  wave.calls, rollout->wave + 1, rollout->min_calls);
      return COLLET_ROLLOUT_PAUSE;
    }
  return COLLET_ROLLOUT_ADVANCE;
}
