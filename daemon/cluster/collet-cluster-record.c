/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-record.h"

#include "collet-json.h"

#include <string.h>

/* ---- memory ---- */

void
collet_rollout_free (ColletRollout *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->waves);
  g_free (self->state);
  g_free (self->message);
  g_free (self);
}

static ColletRollout *
rollout_new (void)
{
  ColletRollout *self = g_new0 (ColletRollout, 1);

  self->waves = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  return self;
}

ColletRollout *
collet_rollout_copy (const ColletRollout *self)
{
  ColletRollout *copy;

  if (self == NULL)
    return NULL;
  copy = rollout_new ();
  for (guint i = 0; i < self->waves->len; i++)
    g_ptr_array_add (copy->waves, g_strdupv (self->waves->pdata[i]));
  copy->wave = self->wave;
  copy->bake_s = self->bake_s;
  copy->max_error_rate = self->max_error_rate;
  copy->min_calls = self->min_calls;
  copy->auto_revert = self->auto_revert;
  copy->state = g_strdup (self->state);
  copy->message = g_strdup (self->message);
  return copy;
}

void
collet_node_record_free (ColletNodeRecord *self)
{
  g_free (self->url);
  g_free (self->fingerprint);
  g_free (self->version);
  g_free (self);
}

void
collet_desired_free (ColletDesired *self)
{
  g_free (self->sha256);
  g_free (self->version);
  g_free (self->txid);
  g_free (self->base_sha256);
  collet_rollout_free (self->rollout);
  g_free (self);
}

void
collet_spec_free (ColletSpec *self)
{
  char **texts[] = { &self->txid,    &self->module,   &self->sha256,      &self->version,
                     &self->kind,    &self->strategy, &self->coordinator, &self->reason,
                     &self->reverts, &self->options,  &self->base_sha256 };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (*texts[i]);
  g_strfreev (self->participants);
  collet_rollout_free (self->rollout);
  g_free (self);
}

void
collet_vote_free (ColletVote *self)
{
  g_free (self->error);
  g_free (self->message);
  g_free (self);
}

void
collet_decision_free (ColletDecision *self)
{
  g_free (self->error);
  g_free (self->message);
  g_free (self->by);
  g_free (self);
}

void
collet_applied_free (ColletApplied *self)
{
  g_free (self->sha256);
  g_free (self->version);
  g_free (self->state);
  g_free (self->error);
  g_free (self->message);
  g_free (self);
}

void
collet_override_free (ColletOverride *self)
{
  g_free (self->sha256);
  g_free (self->version);
  g_free (self->reason);
  g_free (self);
}

void
collet_history_free (ColletHistory *self)
{
  char **texts[] = { &self->sha256,   &self->version, &self->txid,  &self->kind,
                     &self->strategy, &self->reverts, &self->reason };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (*texts[i]);
  g_free (self);
}

/* ---- writing ---- */

static GString *
begin (void)
{
  return g_string_new ("{");
}

static void
add_name (GString *out, const char *name)
{
  if (out->str[out->len - 1] != '{')
    g_string_append_c (out, ',');
  g_string_append_printf (out, "\"%s\":", name);
}

static void
add_text (GString *out, const char *name, const char *value)
{
  if (value == NULL)
    return;
  add_name (out, name);
  collet_json_append_string (out, value, -1);
}

static void
add_int (GString *out, const char *name, gint64 value)
{
  add_name (out, name);
  g_string_append_printf (out, "%" G_GINT64_FORMAT, value);
}

static void
add_bool (GString *out, const char *name, gboolean value)
{
  add_name (out, name);
  g_string_append (out, value ? "true" : "false");
}

static void
append_list (GString *out, GStrv list)
{
  g_string_append_c (out, '[');
  for (guint i = 0; list != NULL && list[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      collet_json_append_string (out, list[i], -1);
    }
  g_string_append_c (out, ']');
}

static void
add_rollout (GString *out, const ColletRollout *rollout)
{
  char rate[G_ASCII_DTOSTR_BUF_SIZE];

  if (rollout == NULL)
    return;
  add_name (out, "rollout");
  g_string_append (out, "{\"waves\":[");
  for (guint i = 0; i < rollout->waves->len; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      append_list (out, rollout->waves->pdata[i]);
    }
  g_string_append_c (out, ']');
  add_int (out, "wave", rollout->wave);
  add_int (out, "bake_s", rollout->bake_s);
  add_name (out, "max_error_rate");
  g_string_append (out, g_ascii_dtostr (rate, sizeof rate, rollout->max_error_rate));
  add_int (out, "min_calls", rollout->min_calls);
  add_bool (out, "auto_revert", rollout->auto_revert);
  add_text (out, "state", rollout->state);
  add_text (out, "message", rollout->message);
  g_string_append_c (out, '}');
}

static char *
end (GString *out)
{
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}

char *
collet_node_record_write (const ColletNodeRecord *self)
{
  GString *out = begin ();

  add_text (out, "url", self->url);
  add_text (out, "fingerprint", self->fingerprint);
  add_text (out, "version", self->version);
  return end (out);
}

char *
collet_desired_write (const ColletDesired *self)
{
  GString *out = begin ();

  add_int (out, "epoch", self->epoch);
  add_text (out, "sha256", self->sha256);
  add_text (out, "version", self->version);
  add_text (out, "txid", self->txid);
  add_text (out, "base_sha256", self->base_sha256);
  add_rollout (out, self->rollout);
  return end (out);
}

char *
collet_spec_write (const ColletSpec *self)
{
  GString *out = begin ();

  add_text (out, "txid", self->txid);
  add_text (out, "module", self->module);
  add_text (out, "sha256", self->sha256);
  add_text (out, "version", self->version);
  add_text (out, "kind", self->kind);
  add_text (out, "strategy", self->strategy);
  add_name (out, "participants");
  append_list (out, self->participants);
  add_text (out, "coordinator", self->coordinator);
  add_int (out, "base_epoch", self->base_epoch);
  add_int (out, "base_rev", self->base_rev);
  add_text (out, "base_sha256", self->base_sha256);
  add_int (out, "timeout_ms", self->timeout_ms);
  add_int (out, "uid", self->uid);
  add_int (out, "started_at", self->started_at);
  add_text (out, "reason", self->reason);
  add_text (out, "reverts", self->reverts);
  add_text (out, "options", self->options);
  add_bool (out, "clear_overrides", self->clear_overrides);
  add_rollout (out, self->rollout);
  return end (out);
}

char *
collet_vote_write (const ColletVote *self)
{
  GString *out = begin ();

  add_bool (out, "yes", self->is_yes);
  add_text (out, "error", self->error);
  add_text (out, "message", self->message);
  return end (out);
}

char *
collet_decision_write (const ColletDecision *self)
{
  GString *out = begin ();

  add_bool (out, "commit", self->is_commit);
  add_text (out, "error", self->error);
  add_text (out, "message", self->message);
  add_text (out, "by", self->by);
  return end (out);
}

char *
collet_applied_write (const ColletApplied *self)
{
  GString *out = begin ();

  add_int (out, "epoch", self->epoch);
  add_text (out, "sha256", self->sha256);
  add_text (out, "version", self->version);
  add_text (out, "state", self->state);
  add_text (out, "error", self->error);
  add_text (out, "message", self->message);
  if (self->calls > 0)
    {
      add_int (out, "calls", self->calls);
      add_int (out, "errors", self->errors);
    }
  if (self->deaths > 0)
    {
      add_int (out, "deaths", self->deaths);
      add_int (out, "deaths_epoch", self->deaths_epoch);
    }
  return end (out);
}

char *
collet_override_write (const ColletOverride *self)
{
  GString *out = begin ();

  add_text (out, "sha256", self->sha256);
  add_text (out, "version", self->version);
  add_text (out, "reason", self->reason);
  return end (out);
}

char *
collet_history_write (const ColletHistory *self)
{
  GString *out = begin ();

  add_int (out, "epoch", self->epoch);
  add_text (out, "sha256", self->sha256);
  add_text (out, "version", self->version);
  add_text (out, "txid", self->txid);
  add_text (out, "kind", self->kind);
  add_text (out, "strategy", self->strategy);
  add_text (out, "reverts", self->reverts);
  add_text (out, "reason", self->reason);
  add_int (out, "uid", self->uid);
  add_int (out, "started_at", self->started_at);
  return end (out);
}
