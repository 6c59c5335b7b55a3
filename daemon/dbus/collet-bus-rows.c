/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bus-rows.h"

#include <string.h>

#include "collet-error.h"
#include "collet-json.h"

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

/* ---- the items of a reload ---- */

/* The members of a row, of which only those are made that say something: a batch
 * has hundreds of rows, and each member is written, sent and read. */
typedef struct
{
  GVariant *members[14];
  guint n;
} Row;

static void
add_member (Row *row, const char *name, GVariant *value)
{
  g_assert (row->n < G_N_ELEMENTS (row->members));
  row->members[row->n++] =
      g_variant_new_dict_entry (g_variant_new_string (name), g_variant_new_variant (value));
}

static void
add_text (Row *row, const char *name, const char *text)
{
  if (text != NULL && *text != '\0')
    add_member (row, name, g_variant_new_string (text));
}

static GVariant *
row_of_reload_item (const ColletReloadItem *item, const char *state, const GError *error)
{
  Row row = { .n = 0 };

  add_text (&row, "module", item->module);
  add_text (&row, "from", item->from != NULL ? item->from->sha256 : NULL);
  add_text (&row, "to", item->to != NULL ? item->to->sha256 : NULL);
  add_text (&row, "from-version", item->from != NULL ? item->from->semver : NULL);
  add_text (&row, "to-version", item->to != NULL ? item->to->semver : NULL);
  add_text (&row, "to-signer", item->to != NULL ? item->to->signer : NULL);
  add_text (&row, "verdict", item->verdict);
  add_text (&row, "state", state);
  if (item->differences != NULL && item->differences[0] != NULL)
    add_member (&row, "differences", g_variant_new_strv ((const char *const *)item->differences, -1));
  if (item->pause_us != -1)
    add_member (&row, "pause-us", g_variant_new_int64 (item->pause_us));
  if (item->served.in_flight != 0)
    add_member (&row, "calls-drained", g_variant_new_uint64 (item->served.in_flight));
  add_text (&row, "way-back", item->way_back);
  if (error != NULL)
    {
      add_text (&row, "error-name", collet_error_name_of (error));
      add_text (&row, "error-message", error->message);
    }
  return g_variant_new_array (G_VARIANT_TYPE ("{sv}"), row.members, row.n);
}

GVariant *
collet_bus_row_of_reload_items (ColletReload *reload)
{
  GPtrArray *items = collet_reload_get_items (reload);
  const char *state = collet_reload_state_to_string (collet_reload_get_state (reload));
  g_autofree GVariant **rows = g_new (GVariant *, items->len);

  for (guint i = 0; i < items->len; i++)
    rows[i] = row_of_reload_item (items->pdata[i], state, collet_reload_get_error (reload));
  return g_variant_new_array (G_VARIANT_TYPE_VARDICT, rows, items->len);
}

/* ---- the history ---- */

/* The object that the record has of a module; 0: none. */
static ColletJsonNode
find_detail (const ColletJson *detail, const char *module)
{
  ColletJsonNode items = detail != NULL ? collet_json_member (detail, 0, "items") : 0;

  if (items == 0)
    return 0;
  for (ColletJsonNode node = collet_json_first (detail, items); node != 0;
       node = collet_json_next (detail, node))
    if (collet_json_string_is (detail, collet_json_member (detail, node, "module"), module))
      return node;
  return 0;
}

static void
add_detail (GVariantBuilder *row, const ColletJson *detail, ColletJsonNode node)
{
  ColletJsonNode verdict = collet_json_member (detail, node, "verdict");
  ColletJsonNode differences = collet_json_member (detail, node, "differences");
  ColletJsonNode pause = collet_json_member (detail, node, "pause_us");
  g_autofree char *text = verdict != 0 ? collet_json_dup_string (detail, verdict) : NULL;
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();
  gint64 pause_us = -1;

  for (ColletJsonNode entry = differences != 0 ? collet_json_first (detail, differences) : 0; entry != 0;
       entry = collet_json_next (detail, entry))
    {
      g_autofree char *difference = collet_json_dup_string (detail, entry);

      if (difference != NULL)
        g_strv_builder_add (list, difference);
    }
  if (pause != 0)
    collet_json_get_int64 (detail, pause, &pause_us);
  g_auto (GStrv) strv = g_strv_builder_end (list);
  collet_bus_row_add (row, "verdict", text);
  g_variant_builder_add (row, "{sv}", "differences", g_variant_new_strv ((const char *const *)strv, -1));
  add_int64 (row, "pause-us", pause_us);
}

static GVariant *
row_of_history_item (const ColletHistoryItem *item, const ColletJson *detail)
{
  ColletJsonNode known = find_detail (detail, item->module);
  GVariantBuilder row;

  g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
  collet_bus_row_add (&row, "module", item->module);
  collet_bus_row_add (&row, "from", item->from_sha256);
  collet_bus_row_add (&row, "to", item->to_sha256);
  collet_bus_row_add (&row, "from-version", item->from_version);
  collet_bus_row_add (&row, "to-version", item->to_version);
  if (item->to_signer != NULL)
    collet_bus_row_add (&row, "to-signer", item->to_signer);
  if (known != 0)
    add_detail (&row, detail, known);
  return g_variant_builder_end (&row);
}

GVariant *
collet_bus_row_of_history (const ColletHistoryEntry *entry)
{
  GVariantBuilder row;
  GVariantBuilder items;
  g_autoptr (ColletJson) detail =
      entry->detail != NULL ? collet_json_parse_borrowed (entry->detail, strlen (entry->detail), NULL) : NULL;

  g_variant_builder_init (&items, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < entry->items->len; i++)
    g_variant_builder_add_value (&items, row_of_history_item (entry->items->pdata[i], detail));

  g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
  collet_bus_row_add (&row, "Id", entry->id);
  collet_bus_row_add (&row, "Kind", entry->kind);
  collet_bus_row_add (&row, "Strategy", entry->strategy);
  collet_bus_row_add (&row, "State", entry->state);
  collet_bus_row_add (&row, "Phase", entry->phase);
  collet_bus_row_add (&row, "ErrorName", entry->error);
  collet_bus_row_add (&row, "ErrorMessage", entry->message);
  collet_bus_row_add (&row, "Reason", entry->reason);
  collet_bus_row_add (&row, "Reverts", entry->reverts);
  collet_bus_row_add (&row, "Note", entry->note);
  collet_bus_row_add (&row, "Options", entry->options);
  add_int64 (&row, "Initiator", entry->uid);
  add_int64 (&row, "StartedAt", entry->started_at);
  add_int64 (&row, "FinishedAt", entry->finished_at);
  add_int64 (&row, "DurationUs", entry->duration_us);
  add_int64 (&row, "PauseUs", entry->pause_us);
  g_variant_builder_add (&row, "{sv}", "Items", g_variant_builder_end (&items));
  return g_variant_builder_end (&row);
}

/* ---- checks ---- */

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

GVariant *
collet_bus_row_dup_properties (gpointer skeleton)
{
  return g_variant_take_ref (g_dbus_interface_skeleton_get_properties (skeleton));
}

void
collet_bus_rows_add_properties (GVariantBuilder *rows, gpointer skeleton)
{
  g_autoptr (GVariant) row = collet_bus_row_dup_properties (skeleton);

  g_variant_builder_add_value (rows, row);
}
