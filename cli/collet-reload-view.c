/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-reload-view.h"

#include <glib/gi18n.h>

#include "collet-ctl.h"
#include "collet-human.h"
#include "collet-style.h"
#include "collet-table.h"

/* A shorter pause nobody notices. */
#define PAUSE_WORTH_A_WORD_US 100

static const char *
arrow (void)
{
  return collet_style_is_utf8 () ? "→" : "->";
}

/* "1.0.0", or the short hash of a version whose manifest is not known. */
static char *
dup_version (GVariant *item, const char *semantic, const char *hash)
{
  const char *text = collet_row_string (item, semantic);

  return *text != '\0' ? g_strdup (text) : collet_human_dup_hash (collet_row_string (item, hash));
}

/* "1.0.0 → 1.1.0", "1.0.0" (was not there before), "1.0.0 →" (is gone). */
static char *
dup_change (GVariant *item)
{
  g_autofree char *from = dup_version (item, "from-version", "from");
  g_autofree char *to = dup_version (item, "to-version", "to");

  if (g_str_equal (from, "-") ||
      g_strcmp0 (collet_row_string (item, "from"), collet_row_string (item, "to")) == 0)
    return g_steal_pointer (&to);
  if (g_str_equal (to, "-"))
    return g_strdup_printf (_ ("%s %s gone"), from, arrow ());
  return g_strdup_printf ("%s %s %s", from, arrow (), to);
}

static GVariant *
get_items (GVariant *row)
{
  GVariant *items = g_variant_lookup_value (row, "Items", G_VARIANT_TYPE ("aa{sv}"));

  return items != NULL ? items : g_variant_ref_sink (g_variant_new ("aa{sv}", NULL));
}

/* ", calls paused for 1.2 ms", or nothing. */
static char *
dup_pause (GVariant *row)
{
  gint64 pause = collet_row_int (row, "PauseUs");
  g_autofree char *text = collet_human_dup_duration (pause);

  return pause >= PAUSE_WORTH_A_WORD_US ? g_strdup_printf (_ (", calls paused for %s"), text) : g_strdup ("");
}

/* Beside an outcome that is good, as far as it goes. */
static void
print_note (GVariant *row)
{
  const char *note = collet_row_string (row, "Note");

  if (*note != '\0')
    g_print ("%s\n", note);
}

static void
print_item_line (GVariant *row, GVariant *item)
{
  g_autofree char *change = dup_change (item);
  g_autofree char *hash = collet_human_dup_hash (collet_row_string (item, "to"));
  g_autofree char *duration = collet_human_dup_duration (collet_row_int (row, "DurationUs"));
  g_autofree char *pause = dup_pause (row);
  gboolean has_hash = !g_str_equal (hash, "-");

  g_print ("%s%s%s  %s%s%s%s  in %s%s\n", collet_style_begin (COLLET_PAINT_BOLD, FALSE),
           collet_row_string (item, "module"), collet_style_end (COLLET_PAINT_BOLD, FALSE), change,
           has_hash ? "  (" : "", has_hash ? hash : "", has_hash ? ")" : "", duration, pause);
}

/* Rows from the history have no state of their own: it was the reload's. */
static void
print_items_table (GVariant *row, GVariant *items)
{
  g_autoptr (ColletTable) table =
      collet_table_new (N_ ("MODULE"), N_ ("VERSION"), N_ ("SHA256"), N_ ("STATE"), N_ ("NOTE"), NULL);

  for (gsize i = 0; i < g_variant_n_children (items); i++)
    {
      g_autoptr (GVariant) item = g_variant_get_child_value (items, i);
      const char *error = collet_row_string (item, "error-name");
      const char *message = collet_row_string (item, "error-message");
      const char *state = collet_row_string (item, "state");

      collet_table_add_copy (table, collet_row_string (item, "module"));
      collet_table_add (table, dup_change (item), COLLET_PAINT_NONE);
      collet_table_add (table, collet_human_dup_hash (collet_row_string (item, "to")), COLLET_PAINT_DIM);
      collet_table_add_state (table, *state != '\0' ? state : collet_row_string (row, "State"));
      collet_table_add (table,
                        *error != '\0' ? g_strdup_printf ("%s: %s", error, message)
                                       : g_strdup (collet_row_string (item, "verdict")),
                        *error != '\0' ? COLLET_PAINT_BAD : COLLET_PAINT_NONE);
    }
  collet_table_print (table);
}

/* What clients see of a change, as far as the daemon tells. */
static void
print_differences (GVariant *items)
{
  for (gsize i = 0; i < g_variant_n_children (items); i++)
    {
      g_autoptr (GVariant) item = g_variant_get_child_value (items, i);
      g_auto (GStrv) differences = NULL;

      if (!g_variant_lookup (item, "differences", "^as", &differences))
        continue;
      for (guint j = 0; differences[j] != NULL; j++)
        {
          g_autofree char *safe = collet_style_dup_safe (differences[j]);
          g_print ("  %s: %s\n", collet_row_string (item, "module"), safe);
        }
    }
}

void
collet_reload_view_print_outcome (GVariant *row)
{
  g_autoptr (GVariant) items = get_items (row);
  gsize n = g_variant_n_children (items);

  if (n == 1)
    {
      g_autoptr (GVariant) item = g_variant_get_child_value (items, 0);
      print_item_line (row, item);
      print_note (row);
      return;
    }
  if (n == 0)
    {
      g_print ("%s: %s\n", collet_row_string (row, "Kind"), collet_row_string (row, "State"));
      print_note (row);
      return;
    }
  g_autofree char *duration = collet_human_dup_duration (collet_row_int (row, "DurationUs"));
  g_autofree char *pause = dup_pause (row);
  print_items_table (row, items);
  g_print (ngettext ("%u module in %s%s\n", "%u modules in %s%s\n", n), (guint)n, duration, pause);
}

/* Of a reload of the cluster: what became of it where. */
static void
print_nodes (GVariant *row)
{
  g_autoptr (GVariant) nodes = g_variant_lookup_value (row, "Nodes", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (ColletTable) table = collet_table_new ("NODE", "PHASE", "STATE", "NOTE", NULL);

  if (nodes == NULL || g_variant_n_children (nodes) == 0)
    return;
  for (gsize i = 0; i < g_variant_n_children (nodes); i++)
    {
      g_autoptr (GVariant) node = g_variant_get_child_value (nodes, i);
      const char *error = collet_row_string (node, "error-name");

      collet_table_add_copy (table, collet_row_string (node, "node"));
      collet_table_add_copy (table, collet_row_string (node, "phase"));
      collet_table_add_state (table, collet_row_string (node, "state"));
      collet_table_add (table,
                        *error != '\0'
                            ? g_strdup_printf ("%s: %s", error, collet_row_string (node, "error-message"))
                            : g_strdup (""),
                        COLLET_PAINT_BAD);
    }
  g_print ("\n");
  collet_table_print (table);
}

static void
print_field (const char *name, const char *value, ColletPaint paint)
{
  collet_style_print_field (name, g_strdup (value), paint);
}

static void
print_signer (GVariant *items)
{
  g_autoptr (GVariant) item = g_variant_n_children (items) == 1 ? g_variant_get_child_value (items, 0) : NULL;

  print_field ("signer", item != NULL ? collet_row_string (item, "to-signer") : "", COLLET_PAINT_NONE);
}

void
collet_reload_view_print_detail (GVariant *row)
{
  g_autoptr (GVariant) items = get_items (row);
  const char *state = collet_row_string (row, "State");
  g_autofree char *kind =
      g_strdup_printf ("%s, %s", collet_row_string (row, "Kind"), collet_row_string (row, "Strategy"));
  g_autofree char *started = collet_human_dup_time (collet_row_int (row, "StartedAt"));
  g_autofree char *duration = collet_human_dup_duration (collet_row_int (row, "DurationUs"));
  g_autofree char *pause = collet_human_dup_duration (collet_row_int (row, "PauseUs"));
  gint64 uid = collet_row_int (row, "Initiator");
  g_autofree char *who =
      uid < 0 ? g_strdup (_ ("the daemon")) : g_strdup_printf ("uid %" G_GINT64_FORMAT, uid);

  print_field ("reload", collet_row_string (row, "Id"), COLLET_PAINT_BOLD);
  print_field ("kind", kind, COLLET_PAINT_NONE);
  print_field ("state", state, collet_style_of_state (state));
  print_field ("phase", collet_row_string (row, "Phase"), COLLET_PAINT_NONE);
  print_field ("started", started, COLLET_PAINT_NONE);
  print_field ("duration", duration, COLLET_PAINT_NONE);
  print_field ("pause", pause, COLLET_PAINT_NONE);
  print_field ("by", who, COLLET_PAINT_NONE);
  print_field ("reason", collet_row_string (row, "Reason"), COLLET_PAINT_NONE);
  print_signer (items);
  print_field ("reverts", collet_row_string (row, "Reverts"), COLLET_PAINT_NONE);
  print_field ("note", collet_row_string (row, "Note"), COLLET_PAINT_NONE);
  print_field ("error", collet_row_string (row, "ErrorName"), COLLET_PAINT_BAD);
  print_field ("message", collet_row_string (row, "ErrorMessage"), COLLET_PAINT_NONE);
  if (g_variant_n_children (items) > 0)
    {
      g_print ("\n");
      print_items_table (row, items);
      print_differences (items);
    }
  print_nodes (row);
}

/* "calculator 1.0.0 -> 1.1.0", "12 modules", with the error's name if it failed. */
static char *
dup_what (GVariant *row)
{
  g_autoptr (GVariant) items = get_items (row);
  gsize n = g_variant_n_children (items);
  GString *text = g_string_new (NULL);

  if (n > 1)
    {
      g_string_append_printf (text, ngettext ("%u module", "%u modules", n), (guint)n);
      g_string_append_c (text, ' ');
    }
  if (n == 1)
    {
      g_autoptr (GVariant) item = g_variant_get_child_value (items, 0);
      g_autofree char *change = dup_change (item);
      g_string_append_printf (text, "%s ", collet_row_string (item, "module"));
      if (!g_str_equal (change, "-"))
        g_string_append_printf (text, "%s ", change);
    }
  g_string_append (text, collet_row_string (row, "ErrorName"));
  return g_strstrip (g_string_free (text, FALSE));
}

void
collet_reload_view_print_table (GVariant *rows)
{
  g_autoptr (ColletTable) table = collet_table_new (N_ ("ID"), N_ ("WHEN"), N_ ("KIND"), N_ ("STATE"),
                                                    N_ (">DURATION"), N_ (">PAUSE"), N_ ("WHAT"), NULL);
  gint64 now = g_get_real_time ();

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

      collet_table_add (table, g_strndup (collet_row_string (row, "Id"), 8), COLLET_PAINT_NONE);
      collet_table_add (table, collet_human_dup_age (collet_row_int (row, "StartedAt"), now),
                        COLLET_PAINT_NONE);
      collet_table_add_copy (table, collet_row_string (row, "Kind"));
      collet_table_add_state (table, collet_row_string (row, "State"));
      collet_table_add (table, collet_human_dup_duration (collet_row_int (row, "DurationUs")),
                        COLLET_PAINT_NONE);
      collet_table_add (table, collet_human_dup_duration (collet_row_int (row, "PauseUs")),
                        COLLET_PAINT_NONE);
      collet_table_add (table, dup_what (row), COLLET_PAINT_NONE);
    }
  collet_table_print (table);
}
