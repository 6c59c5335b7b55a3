/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A reload as rows of the database.
 */
#include "collet-reloader-private.h"

#include "collet-error.h"
#include "collet-json.h"
#include "collet-rows.h"

ColletReloadRow *
collet_reload_record_begin (ColletReload *reload)
{
  const ColletReloadRequest *request = collet_reload_get_request (reload);
  GPtrArray *items = collet_reload_get_items (reload);
  ColletReloadRow *row = collet_reload_row_new ();

  row->id = g_strdup (collet_reload_get_id (reload));
  row->kind = g_strdup (collet_reload_kind_to_string (request->kind));
  row->strategy = g_strdup (request->strategy != NULL ? request->strategy : "local");
  row->uid = request->uid;
  row->reason = g_strdup (request->reason);
  row->reverts = g_strdup (request->reverts);
  row->options = collet_reload_request_to_json (request);
  row->started_at = collet_reload_get_started_at (reload);
  for (guint i = 0; i < items->len; i++)
    {
      const ColletReloadItem *item = items->pdata[i];
      ColletReloadItemRow *item_row = collet_reload_item_row_new ();

      item_row->module = g_strdup (item->module);
      item_row->from_sha256 = item->from != NULL ? g_strdup (item->from->sha256) : NULL;
      item_row->to_sha256 = item->to != NULL ? g_strdup (item->to->sha256) : NULL;
      item_row->from_version = item->from != NULL ? g_strdup (item->from->semver) : NULL;
      item_row->to_version = item->to != NULL ? g_strdup (item->to->semver) : NULL;
      item_row->to_signer = item->to != NULL ? g_strdup (item->to->signer) : NULL;
      g_ptr_array_add (row->items, item_row);
    }
  return row;
}

static void
append_differences (GString *out, GStrv differences)
{
  g_string_append (out, ",\"differences\":[");
  for (guint i = 0; differences[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      collet_json_append_string (out, differences[i], -1);
    }
  g_string_append_c (out, ']');
}

static void
append_item (GString *out, const ColletReloadItem *item)
{
  const ColletRetirement *retirement = &item->retirement;

  g_string_append (out, "{\"module\":");
  collet_json_append_string (out, item->module, -1);
  if (item->verdict != NULL)
    g_string_append_printf (out, ",\"verdict\":\"%s\"", item->verdict);
  if (item->shadow_calls > 0)
    g_string_append_printf (out, ",\"shadow\":{\"calls\":%u,\"differences\":%u}", item->shadow_calls,
                            item->shadow_differences);
  if (item->smoke_passed > 0)
    g_string_append_printf (out, ",\"smoke_tests\":%u", item->smoke_passed);
  if (item->differences != NULL && item->differences[0] != NULL)
    append_differences (out, item->differences);
  if (item->falls_back)
    g_string_append (out, ",\"state\":\"snapshot\"");
  if (item->way_back != NULL)
    g_string_append_printf (out, ",\"way_back\":\"%s\"", item->way_back);
  if (item->pause_us >= 0)
    g_string_append_printf (out, ",\"pause_us\":%" G_GINT64_FORMAT, item->pause_us);
  if (item->from != NULL && item->pause_us >= 0)
    g_string_append_printf (out,
                            ",\"drain_us\":%" G_GINT64_FORMAT
                            ",\"calls_ended\":%u,\"killed\":%s,\"unloaded\":%s",
                            retirement->drain_us, retirement->calls_ended,
                            retirement->killed ? "true" : "false", retirement->unloaded ? "true" : "false");
  g_string_append_c (out, '}');
}

/* Who committed a prepared version, or gave it up. */
static void
append_decision (GString *out, ColletReload *reload)
{
  const char *reason;
  gint64 uid = collet_reload_get_decider (reload, &reason);

  if (uid < 0 && !collet_reload_is_decided (reload))
    return;
  g_string_append_printf (out, ",\"decided\":{\"uid\":%" G_GINT64_FORMAT, uid);
  if (reason != NULL)
    {
      g_string_append (out, ",\"reason\":");
      collet_json_append_string (out, reason, -1);
    }
  g_string_append_c (out, '}');
}

ColletReloadEnd *
collet_reload_record_end (ColletReload *reload)
{
  const GError *error = collet_reload_get_error (reload);
  GPtrArray *items = collet_reload_get_items (reload);
  ColletReloadEnd *row = collet_reload_end_new ();
  g_autoptr (GString) detail = g_string_new ("{\"items\":[");

  row->reload = g_strdup (collet_reload_get_id (reload));
  row->state = g_strdup (collet_reload_state_to_string (collet_reload_get_state (reload)));
  row->phase = g_strdup (collet_reload_get_phase (reload));
  row->error = error != NULL ? g_strdup (collet_error_name_of (error)) : NULL;
  row->message = g_strdup (error != NULL ? error->message : collet_reload_get_note (reload));
  row->at = collet_reload_get_finished_at (reload);
  row->pause_us = collet_reload_get_pause_us (reload);
  row->duration_us = collet_reload_get_duration_us (reload);
  for (guint i = 0; i < items->len; i++)
    {
      if (i > 0)
        g_string_append_c (detail, ',');
      append_item (detail, items->pdata[i]);
    }
  g_string_append_c (detail, ']');
  append_decision (detail, reload);
  g_string_append_c (detail, '}');
  row->detail = g_strdup (detail->str);
  return row;
}

GPtrArray *
collet_reload_record_tools (GPtrArray *tools)
{
  GPtrArray *rows = g_ptr_array_new_full (tools->len, (GDestroyNotify)collet_tool_row_free);

  for (guint i = 0; i < tools->len; i++)
    {
      const ColletToolFacts *facts = collet_tool_get_facts (tools->pdata[i]);
      ColletToolRow *row = collet_tool_row_new ();

      row->name = g_strdup (facts->name);
      row->module = g_strdup (facts->module);
      row->module_tool = g_strdup (facts->module_tool);
      row->metadata = g_strdup (facts->metadata);
      row->version = g_strdup (facts->version);
      row->is_explicit = facts->is_explicit;
      row->registered_at = facts->registered_at;
      g_ptr_array_add (rows, row);
    }
  return rows;
}

static void
add_snapshot (ColletCommit *commit, const ColletReloadItem *item, const ColletVersion *version,
              guint32 format, GBytes *state)
{
  if (state == NULL)
    return;

  ColletSnapshotRow *row = collet_snapshot_row_new ();
  row->module = g_strdup (item->module);
  row->sha256 = g_strdup (version->sha256);
  row->format = format;
  row->state = g_bytes_ref (state);
  row->cause = g_strdup ("reload");
  row->reload = g_strdup (commit->reload);
  row->taken_at = g_get_real_time ();
  g_ptr_array_add (commit->snapshots, row);
}

static void
add_artifact (ColletCommit *commit, const ColletReloadItem *item)
{
  ColletArtifactRow *row = collet_artifact_row_new ();

  row->version = collet_version_ref (item->to);
  row->module = g_strdup (item->module);
  row->manifest = g_strdup (item->manifest->json);
  g_ptr_array_add (commit->artifacts, row);
}

static void
add_module (ColletCommit *commit, const ColletReloadItem *item, const ColletModuleFacts *facts)
{
  ColletModuleRow *row = collet_module_row_new ();

  row->module = g_strdup (item->module);
  row->sha256 = item->to != NULL ? g_strdup (item->to->sha256) : NULL;
  row->previous_sha256 = g_strdup (facts->previous);
  row->generation = facts->generation;
  row->host = g_strdup (facts->host);
  row->had_former = facts->had_grace;
  for (guint i = 0; i < collet_grace_get_length (facts->grace); i++)
    {
      const ColletFormerVersion *former = collet_grace_get (facts->grace, i);

      g_ptr_array_add (row->former, collet_former_row_new (former->version->sha256, former->until));
    }
  g_ptr_array_add (commit->modules, row);
}

ColletCommit *
collet_reload_record_commit (ColletReload *reload, ColletRegistryPlan *plan)
{
  GPtrArray *items = collet_reload_get_items (reload);
  ColletCommit *commit = collet_commit_new ();

  commit->reload = g_strdup (collet_reload_get_id (reload));
  for (guint i = 0; i < items->len; i++)
    {
      const ColletReloadItem *item = items->pdata[i];
      ColletModuleFacts *facts = plan->facts->pdata[i];

      if (item->next != NULL)
        facts->generation = collet_generation_get_spec (item->next)->number;
      if (item->to != NULL)
        add_artifact (commit, item);
      if (item->before != NULL)
        add_snapshot (commit, item, item->from,
                      collet_generation_get_spec (item->old)->manifest->state_format, item->before);
      if (item->to != NULL)
        add_snapshot (commit, item, item->to, item->manifest->state_format, item->after);
      add_module (commit, item, facts);
    }
  g_ptr_array_unref (commit->tools);
  commit->tools = collet_reload_record_tools (plan->tools);
  for (guint i = 0; i < plan->removed->len; i++)
    g_ptr_array_add (commit->removed_tools, g_strdup (plan->removed->pdata[i]));
  return commit;
}
