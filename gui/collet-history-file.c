/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-history-file.h"

#include "collet-variant-json.h"

static void
append_field (GString *out, const char *text)
{
  if (out->len > 0 && out->str[out->len - 1] != '\n')
    g_string_append_c (out, ',');
  /* A leading =, +, - or @ is a formula to spreadsheets. */
  gboolean is_formula = *text != '\0' && strchr ("=+-@", *text) != NULL && !g_ascii_isdigit (text[1]);
  if (!is_formula && strpbrk (text, ",\"\r\n") == NULL)
    {
      g_string_append (out, text);
      return;
    }
  g_string_append_c (out, '"');
  if (is_formula)
    g_string_append_c (out, '\'');
  for (const char *c = text; *c != '\0'; c++)
    {
      if (*c == '"')
        g_string_append_c (out, '"');
      g_string_append_c (out, *c);
    }
  g_string_append_c (out, '"');
}

static void
append_time (GString *out, gint64 time)
{
  g_autoptr (GDateTime) seconds = time > 0 ? g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC) : NULL;
  g_autoptr (GDateTime) exact =
      seconds != NULL ? g_date_time_add (seconds, time % (gint64)G_USEC_PER_SEC) : NULL;
  g_autofree char *text = exact != NULL ? g_date_time_format_iso8601 (exact) : g_strdup ("");

  append_field (out, text);
}

static void
append_number (GString *out, gint64 number)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, number);

  append_field (out, text);
}

static void
append_line (GString *out, ColletItem *reload, ColletItem *item)
{
  static const char *const reload_names[] = { "Id", "Kind", "Strategy", "State" };
  static const char *const item_names[] = { "module", "from-version", "from", "to-version", "to" };
  static const char *const end_names[] = { "ErrorName", "ErrorMessage", "Reason", "Reverts" };

  for (guint i = 0; i < G_N_ELEMENTS (reload_names); i++)
    append_field (out, collet_item_get_string (reload, reload_names[i]));
  for (guint i = 0; i < G_N_ELEMENTS (item_names); i++)
    append_field (out, item != NULL ? collet_item_get_string (item, item_names[i]) : "");
  append_time (out, collet_item_get_int (reload, "StartedAt"));
  append_time (out, collet_item_get_int (reload, "FinishedAt"));
  append_number (out, collet_item_get_int (reload, "DurationUs"));
  append_number (out, collet_item_get_int (reload, "PauseUs"));
  append_number (out, collet_item_get_int (reload, "Initiator"));
  for (guint i = 0; i < G_N_ELEMENTS (end_names); i++)
    append_field (out, collet_item_get_string (reload, end_names[i]));
  g_string_append (out, "\r\n");
}

char *
collet_history_file_dup_csv (GListModel *reloads)
{
  g_autoptr (GString) out =
      g_string_new ("id,kind,strategy,state,module,from_version,from,to_version,to,started_at,finished_at,"
                    "duration_us,pause_us,initiator,error_name,error_message,reason,reverts\r\n");

  for (guint i = 0; i < g_list_model_get_n_items (reloads); i++)
    {
      g_autoptr (ColletItem) reload = g_list_model_get_item (reloads, i);
      g_autoptr (GPtrArray) items = collet_item_dup_rows (reload, "Items");

      if (items->len == 0)
        append_line (out, reload, NULL);
      for (guint k = 0; k < items->len; k++)
        append_line (out, reload, items->pdata[k]);
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

char *
collet_history_file_dup_json (GListModel *reloads)
{
  g_autoptr (GString) out = g_string_new ("[");

  for (guint i = 0; i < g_list_model_get_n_items (reloads); i++)
    {
      g_autoptr (ColletItem) reload = g_list_model_get_item (reloads, i);
      g_autoptr (GVariant) values = collet_item_ref_values (reload);

      g_string_append (out, i > 0 ? ",\n" : "\n");
      collet_variant_json_append (out, values);
    }
  g_string_append (out, "\n]\n");
  return g_string_free (g_steal_pointer (&out), FALSE);
}
