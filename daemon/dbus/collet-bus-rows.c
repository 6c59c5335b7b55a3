/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bus-rows.h"

#include "collet-error.h"

void
collet_bus_row_add (GVariantBuilder *row, const char *name, const char *text)
{
  g_variant_builder_add (row, "{sv}", name, g_variant_new_string (text != NULL ? text : ""));
}

static void
add_int64 (GVariantBuilder *row, const char *name, gint64 value)
{
  g_variant_builder_add (row, "{sv}", name, g_variant_new_int64 (value));
}

static void
add_versions (GVariantBuilder *row, const ColletVersion *from, const ColletVersion *to)
{
  collet_bus_row_add (row, "from", from != NULL ? from->sha256 : NULL);
  collet_bus_row_add (row, "to", to != NULL ? to->sha256 : NULL);
  collet_bus_row_add (row, "from-version", from != NULL ? from->semver : NULL);
  collet_bus_row_add (row, "to-version", to != NULL ? to->semver : NULL);
}

GVariant *
collet_bus_row_of_reload_items (ColletReload *reload)
{
  GPtrArray *items = collet_reload_get_items (reload);
  const GError *error = collet_reload_get_error (reload);
  GVariantBuilder rows;

  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < items->len; i++)
    {
      const ColletReloadItem *item = items->pdata[i];
      GVariantBuilder row;

      g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
      collet_bus_row_add (&row, "module", item->module);
      add_versions (&row, item->from, item->to);
      collet_bus_row_add (&row, "verdict", item->verdict);
      collet_bus_row_add (&row, "state", collet_reload_state_to_string (collet_reload_get_state (reload)));
      add_int64 (&row, "pause-us", item->pause_us);
      g_variant_builder_add (&row, "{sv}", "calls-drained", g_variant_new_uint64 (item->served.in_flight));
      collet_bus_row_add (&row, "error-name", error != NULL ? collet_error_name_of (error) : NULL);
      collet_bus_row_add (&row, "error-message", error != NULL ? error->message : NULL);
      g_variant_builder_add_value (&rows, g_variant_builder_end (&row));
    }
  return g_variant_builder_end (&rows);
}

static GVariant *
row_of_history_item (const ColletHistoryItem *item)
{
  GVariantBuilder row;

  g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
  collet_bus_row_add (&row, "module", item->module);
  collet_bus_row_add (&row, "from", item->from_sha256);
  collet_bus_row_add (&row, "to", item->to_sha256);
  collet_bus_row_add (&row, "from-version", item->from_version);
  collet_bus_row_add (&row, "to-version", item->to_version);
  return g_variant_builder_end (&row);
}

GVariant *
collet_bus_row_of_history (const ColletHistoryEntry *entry)
{
  GVariantBuilder row;
  GVariantBuilder items;

  g_variant_builder_init (&items, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < entry->items->len; i++)
    g_variant_builder_add_value (&items, row_of_history_item (entry->items->pdata[i]));

  g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
  collet_bus_row_add (&row, "Id", entry->id);
  collet_bus_row_add (&row, "Kind", entry->kind);
  collet_bus_row_add (&row, "Strategy", entry->strategy);
  collet_bus_row_add (&row, "State", entry->state);
  collet_bus_row_add (&row, "Phase", entry->phase);
  collet_bus_row_add (&row, "ErrorName", entry->error);
  collet_bus_row_add (&row, "ErrorMessage", entry->message);
  collet_bus_row_add (&row, "Reason", entry->reason);
  collet_bus_row_add (&row, "Reverts", NULL);
  collet_bus_row_add (&row, "Options", entry->options);
  add_int64 (&row, "Initiator", entry->uid);
  add_int64 (&row, "StartedAt", entry->started_at);
  add_int64 (&row, "FinishedAt", entry->finished_at);
  add_int64 (&row, "DurationUs", entry->duration_us);
  add_int64 (&row, "PauseUs", entry->pause_us);
  g_variant_builder_add (&row, "{sv}", "Items", g_variant_builder_end (&items));
  return g_variant_builder_end (&row);
}

GVariant *
collet_bus_rows_of_checks (GPtrArray *checks)
{
  static const char *const outcomes[] = {
    [COLLET_CHECK_PASSED] = "passed",
    [COLLET_CHECK_WARNING] = "warning",
    [COLLET_CHECK_FAILED] = "failed",
    [COLLET_CHECK_SKIPPED] = "skipped",
  };
  GVariantBuilder rows;

  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < checks->len; i++)
    {
      const ColletCheck *check = checks->pdata[i];
      GVariantBuilder row;

      g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
      collet_bus_row_add (&row, "check", check->name);
      collet_bus_row_add (&row, "outcome", outcomes[check->outcome]);
      collet_bus_row_add (&row, "evidence", check->evidence);
      collet_bus_row_add (&row, "remedy", check->remedy);
      g_variant_builder_add_value (&rows, g_variant_builder_end (&row));
    }
  return g_variant_builder_end (&rows);
}
