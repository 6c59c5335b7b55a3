/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-record.h"

#include "collet-json.h"

#include <string.h>

#define MAX_WAVES 100

static char *
read_text (const ColletJson *json, ColletJsonNode object, const char *name)
{
  ColletJsonNode node = collet_json_member (json, object, name);

  return node != 0 ? collet_json_dup_string (json, node) : NULL;
}

static gint64
read_int (const ColletJson *json, ColletJsonNode object, const char *name)
{
  ColletJsonNode node = collet_json_member (json, object, name);
  gint64 value = 0;

  return node != 0 && collet_json_get_int64 (json, node, &value) ? value : 0;
}

static gboolean
read_bool (const ColletJson *json, ColletJsonNode object, const char *name)
{
  ColletJsonNode node = collet_json_member (json, object, name);

  return node != 0 && collet_json_get_type (json, node) == COLLET_JSON_TRUE;
}

/* NULL: no list of texts, or too long a one. */
static GStrv
read_list (const ColletJson *json, ColletJsonNode array)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (array == 0 || collet_json_get_type (json, array) != COLLET_JSON_ARRAY ||
      collet_json_get_length (json, array) > COLLET_CLUSTER_MAX_NODES)
    return NULL;
  for (ColletJsonNode node = collet_json_first (json, array); node != 0; node = collet_json_next (json, node))
    {
      g_autofree char *text = collet_json_dup_string (json, node);

      if (text == NULL)
        return NULL;
      g_strv_builder_add (builder, text);
    }
  return g_strv_builder_end (builder);
}

static gboolean
is_sha256 (const char *text)
{
  return text != NULL && strlen (text) == 64 && strspn (text, "0123456789abcdef") == 64;
}

static gboolean
is_id (const char *text)
{
  return text != NULL && strlen (text) == 16 && strspn (text, "0123456789abcdef") == 16;
}

static ColletRollout *
read_rollout (const ColletJson *json, ColletJsonNode object)
{
  ColletJsonNode node = collet_json_member (json, object, "rollout");
  ColletJsonNode waves = node != 0 ? collet_json_member (json, node, "waves") : 0;
  ColletRollout *self;

  if (waves == 0 || collet_json_get_type (json, waves) != COLLET_JSON_ARRAY ||
      collet_json_get_length (json, waves) > MAX_WAVES)
    return NULL;
  self = g_new0 (ColletRollout, 1);
  self->waves = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  for (ColletJsonNode wave = collet_json_first (json, waves); wave != 0; wave = collet_json_next (json, wave))
    {
      GStrv names = read_list (json, wave);

      g_ptr_array_add (self->waves, names != NULL ? names : g_new0 (char *, 1));
    }
  self->wave = (guint)CLAMP (read_int (json, node, "wave"), 0, MAX_WAVES);
  self->bake_s = CLAMP (read_int (json, node, "bake_s"), 0, G_MAXINT32);
  collet_json_get_double (json, collet_json_member (json, node, "max_error_rate"), &self->max_error_rate);
  self->min_calls = MAX (read_int (json, node, "min_calls"), 0);
  self->auto_revert = read_bool (json, node, "auto_revert");
  self->state = read_text (json, node, "state");
  self->message = read_text (json, node, "message");
  return self;
}

static gpointer
read_node (const ColletJson *json)
{
  ColletNodeRecord *self = g_new0 (ColletNodeRecord, 1);

  self->url = read_text (json, 0, "url");
  self->fingerprint = read_text (json, 0, "fingerprint");
  self->version = read_text (json, 0, "version");
  return self;
}

static gpointer
read_desired (const ColletJson *json)
{
  g_autoptr (ColletDesired) self = g_new0 (ColletDesired, 1);

  self->epoch = read_int (json, 0, "epoch");
  self->sha256 = read_text (json, 0, "sha256");
  self->version = read_text (json, 0, "version");
  self->txid = read_text (json, 0, "txid");
  self->base_sha256 = read_text (json, 0, "base_sha256");
  self->rollout = read_rollout (json, 0);
  return self->epoch > 0 && is_sha256 (self->sha256) && is_id (self->txid) &&
                 (self->base_sha256 == NULL || is_sha256 (self->base_sha256))
             ? g_steal_pointer (&self)
             : NULL;
}

static gboolean
is_spec_whole (const ColletSpec *self)
{
  return is_id (self->txid) && self->module != NULL && is_sha256 (self->sha256) && self->kind != NULL &&
         self->strategy != NULL && self->participants != NULL && self->participants[0] != NULL &&
         self->coordinator != NULL && self->base_epoch >= 0 && self->base_rev >= 0 && self->timeout_ms > 0;
}

static gpointer
read_spec (const ColletJson *json)
{
  g_autoptr (ColletSpec) self = g_new0 (ColletSpec, 1);

  self->txid = read_text (json, 0, "txid");
  self->module = read_text (json, 0, "module");
  self->sha256 = read_text (json, 0, "sha256");
  self->version = read_text (json, 0, "version");
  self->kind = read_text (json, 0, "kind");
  self->strategy = read_text (json, 0, "strategy");
  self->participants = read_list (json, collet_json_member (json, 0, "participants"));
  self->coordinator = read_text (json, 0, "coordinator");
  self->base_epoch = read_int (json, 0, "base_epoch");
  self->base_rev = read_int (json, 0, "base_rev");
  self->base_sha256 = read_text (json, 0, "base_sha256");
  self->timeout_ms = read_int (json, 0, "timeout_ms");
  self->uid = read_int (json, 0, "uid");
  self->started_at = read_int (json, 0, "started_at");
  self->reason = read_text (json, 0, "reason");
  self->reverts = read_text (json, 0, "reverts");
  self->options = read_text (json, 0, "options");
  self->clear_overrides = read_bool (json, 0, "clear_overrides");
  self->rollout = read_rollout (json, 0);
  return is_spec_whole (self) ? g_steal_pointer (&self) : NULL;
}

static gpointer
read_vote (const ColletJson *json)
{
  ColletVote *self = g_new0 (ColletVote, 1);

  self->is_yes = read_bool (json, 0, "yes");
  self->error = read_text (json, 0, "error");
  self->message = read_text (json, 0, "message");
  return self;
}

static gpointer
read_decision (const ColletJson *json)
{
  ColletDecision *self = g_new0 (ColletDecision, 1);

  self->is_commit = read_bool (json, 0, "commit");
  self->error = read_text (json, 0, "error");
  self->message = read_text (json, 0, "message");
  self->by = read_text (json, 0, "by");
  return self;
}

static gpointer
read_applied (const ColletJson *json)
{
  ColletApplied *self = g_new0 (ColletApplied, 1);

  self->epoch = MAX (read_int (json, 0, "epoch"), 0);
  self->sha256 = read_text (json, 0, "sha256");
  self->version = read_text (json, 0, "version");
  self->state = read_text (json, 0, "state");
  self->error = read_text (json, 0, "error");
  self->message = read_text (json, 0, "message");
  self->calls = MAX (read_int (json, 0, "calls"), 0);
  self->errors = MAX (read_int (json, 0, "errors"), 0);
  self->deaths = MAX (read_int (json, 0, "deaths"), 0);
  self->deaths_epoch = read_int (json, 0, "deaths_epoch");
  if (self->state != NULL && (self->sha256 == NULL || is_sha256 (self->sha256)))
    return self;
  collet_applied_free (self);
  return NULL;
}

static gpointer
read_override (const ColletJson *json)
{
  ColletOverride *self = g_new0 (ColletOverride, 1);

  self->sha256 = read_text (json, 0, "sha256");
  self->version = read_text (json, 0, "version");
  self->reason = read_text (json, 0, "reason");
  if (is_sha256 (self->sha256))
    return self;
  collet_override_free (self);
  return NULL;
}

static gpointer
read_history (const ColletJson *json)
{
  ColletHistory *self = g_new0 (ColletHistory, 1);

  self->epoch = read_int (json, 0, "epoch");
  self->sha256 = read_text (json, 0, "sha256");
  self->version = read_text (json, 0, "version");
  self->txid = read_text (json, 0, "txid");
  self->kind = read_text (json, 0, "kind");
  self->strategy = read_text (json, 0, "strategy");
  self->reverts = read_text (json, 0, "reverts");
  self->reason = read_text (json, 0, "reason");
  self->uid = read_int (json, 0, "uid");
  self->started_at = read_int (json, 0, "started_at");
  if (self->epoch > 0 && is_sha256 (self->sha256) && is_id (self->txid))
    return self;
  collet_history_free (self);
  return NULL;
}

static const struct
{
  gpointer (*read) (const ColletJson *json); /* NULL: plain text */
  GDestroyNotify free;
} KINDS[COLLET_N_KEYS] = {
  [COLLET_KEY_NODE] = { read_node, (GDestroyNotify)collet_node_record_free },
  [COLLET_KEY_LIVE] = { read_node, (GDestroyNotify)collet_node_record_free },
  [COLLET_KEY_DESIRED] = { read_desired, (GDestroyNotify)collet_desired_free },
  [COLLET_KEY_HISTORY] = { read_history, (GDestroyNotify)collet_history_free },
  [COLLET_KEY_LOCK] = { NULL, g_free },
  [COLLET_KEY_SPEC] = { read_spec, (GDestroyNotify)collet_spec_free },
  [COLLET_KEY_VOTE] = { read_vote, (GDestroyNotify)collet_vote_free },
  [COLLET_KEY_DECISION] = { read_decision, (GDestroyNotify)collet_decision_free },
  [COLLET_KEY_APPLIED] = { read_applied, (GDestroyNotify)collet_applied_free },
  [COLLET_KEY_OVERRIDE] = { read_override, (GDestroyNotify)collet_override_free },
  [COLLET_KEY_BLOB] = { NULL, g_free },
};

gpointer
collet_cluster_record_read (ColletKeyKind kind, const char *value)
{
  g_autoptr (ColletJson) json = NULL;

  if (kind == COLLET_KEY_LOCK)
    return is_id (value) ? g_strdup (value) : NULL;
  if (KINDS[kind].read == NULL)
    return g_strdup (value);
  json = collet_json_parse (value, -1, NULL);
  if (json == NULL || collet_json_get_type (json, 0) != COLLET_JSON_OBJECT)
    return NULL;
  return KINDS[kind].read (json);
}

void
collet_cluster_record_free (ColletKeyKind kind, gpointer record)
{
  if (record != NULL)
    KINDS[kind].free (record);
}
