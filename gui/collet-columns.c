/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-columns.h"

#include <glib/gi18n.h>

#include "collet-item.h"
#include "collet-text.h"

typedef struct
{
  ColletColumn column;
  gpointer user_data;
} Column;

static void
label_row (GtkWidget *cell, const char *label)
{
  GtkWidget *parent = gtk_widget_get_parent (cell);
  GtkWidget *row = parent != NULL ? gtk_widget_get_parent (parent) : NULL;

  if (row != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

static void
bind_cell (GtkListItem *list_item, Column *self)
{
  GtkWidget *cell = gtk_list_item_get_child (list_item);
  gpointer item = gtk_list_item_get_item (list_item);

  if (item == NULL)
    return;
  self->column.bind (cell, item, self->user_data);
  if (self->column.describe != NULL)
    {
      g_autofree char *label = self->column.describe (item, self->user_data);
      label_row (cell, label);
    }
}

static void
on_revision (GObject *item, GParamSpec *pspec, gpointer user_data)
{
  GtkListItem *list_item = user_data;

  bind_cell (list_item, g_object_get_data (G_OBJECT (list_item), "collet-column"));
}

static void
on_setup (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer user_data)
{
  Column *self = user_data;

  g_object_set_data (G_OBJECT (list_item), "collet-column", self);
  gtk_list_item_set_child (list_item, self->column.make ());
}

static void
on_bind (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer user_data)
{
  g_signal_connect (gtk_list_item_get_item (list_item), "notify::revision", G_CALLBACK (on_revision),
                    list_item);
  bind_cell (list_item, user_data);
}

static void
on_unbind (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer user_data)
{
  gpointer item = gtk_list_item_get_item (list_item);

  if (item != NULL)
    g_signal_handlers_disconnect_by_func (item, on_revision, list_item);
}

static void
free_column (gpointer data, GClosure *closure)
{
  g_free (data);
}

int
collet_columns_compare_text (const char *a, const char *b)
{
  g_autofree char *left = g_utf8_collate_key_for_filename (a, -1);
  g_autofree char *right = g_utf8_collate_key_for_filename (b, -1);

  return strcmp (left, right);
}

/* A text reads as the number 0, and a number as the text "". */
static int
compare_value (gconstpointer a, gconstpointer b, gpointer name)
{
  gint64 left = collet_item_get_int ((gpointer)a, name), right = collet_item_get_int ((gpointer)b, name);

  if (left != right)
    return left < right ? -1 : 1;
  return collet_columns_compare_text (collet_item_get_string ((gpointer)a, name),
                                      collet_item_get_string ((gpointer)b, name));
}

GtkColumnViewColumn *
collet_columns_append (GtkColumnView *view, const ColletColumn *column, gpointer user_data)
{
  Column *self = g_new0 (Column, 1);
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();

  self->column = *column;
  self->user_data = user_data;
  g_signal_connect_data (factory, "setup", G_CALLBACK (on_setup), self, free_column, 0);
  g_signal_connect (factory, "bind", G_CALLBACK (on_bind), self);
  g_signal_connect (factory, "unbind", G_CALLBACK (on_unbind), self);

  g_autoptr (GtkColumnViewColumn) made = gtk_column_view_column_new (_ (column->title), factory);
  gtk_column_view_column_set_expand (made, column->expand);
  gtk_column_view_column_set_resizable (made, TRUE);
  g_autoptr (GtkSorter) sorter = GTK_SORTER (
      column->sort_by != NULL ? gtk_custom_sorter_new (compare_value, (gpointer)column->sort_by, NULL)
                              : gtk_custom_sorter_new (column->compare, user_data, NULL));
  gtk_column_view_column_set_sorter (made, sorter);
  gtk_column_view_append_column (view, made);
  return made;
}

void
collet_columns_set_model (GtkColumnView *view, GListModel *model)
{
  GtkSorter *sorter = gtk_column_view_get_sorter (view);
  GtkSortListModel *sorted =
      gtk_sort_list_model_new (g_object_ref (model), sorter != NULL ? g_object_ref (sorter) : NULL);
  GtkSingleSelection *selection = gtk_single_selection_new (G_LIST_MODEL (sorted));

  gtk_single_selection_set_autoselect (selection, FALSE);
  gtk_single_selection_set_can_unselect (selection, TRUE);
  gtk_column_view_set_model (view, GTK_SELECTION_MODEL (selection));
  /* The header is a row without a name otherwise. */
  gtk_accessible_update_property (GTK_ACCESSIBLE (gtk_widget_get_first_child (GTK_WIDGET (view))),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Column titles"), -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (gtk_widget_get_last_child (GTK_WIDGET (view))),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Rows"), -1);
  g_object_unref (selection);
}

gpointer
collet_columns_get_item (GtkColumnView *view, guint position)
{
  g_autoptr (GObject) item =
      g_list_model_get_item (G_LIST_MODEL (gtk_column_view_get_model (view)), position);

  /* The model keeps it. */
  return item;
}

gpointer
collet_columns_get_selected (GtkColumnView *view)
{
  return gtk_single_selection_get_selected_item (GTK_SINGLE_SELECTION (gtk_column_view_get_model (view)));
}

GtkWidget *
collet_cell_new_text (void)
{
  /* A narrow window scrolls rather than cutting everything off. */
  return g_object_new (GTK_TYPE_LABEL, "xalign", 0.0, "ellipsize", PANGO_ELLIPSIZE_END, "width-chars", 8,
                       NULL);
}

#define TIP "collet-tip"

static gboolean
on_query_tip (GtkWidget *cell, int x, int y, gboolean by_keyboard, GtkTooltip *tooltip)
{
  const char *text = g_object_get_data (G_OBJECT (cell), TIP);

  gtk_tooltip_set_text (tooltip, text);
  return text != NULL;
}

void
collet_cell_set_tip (GtkWidget *cell, const char *text)
{
  if (!gtk_widget_get_has_tooltip (cell))
    {
      gtk_widget_set_has_tooltip (cell, TRUE);
      g_signal_connect (cell, "query-tooltip", G_CALLBACK (on_query_tip), NULL);
    }
  g_object_set_data_full (G_OBJECT (cell), TIP, text != NULL && *text != '\0' ? g_strdup (text) : NULL,
                          g_free);
}

void
collet_cell_set_time (GtkWidget *cell, gint64 time)
{
  g_autofree char *text = collet_text_dup_short_time (time);
  g_autofree char *all = collet_text_dup_time (time);

  gtk_label_set_label (GTK_LABEL (cell), text);
  collet_cell_set_tip (cell, all);
}

GtkWidget *
collet_cell_new_name (void)
{
  GtkWidget *label = collet_cell_new_text ();

  gtk_label_set_width_chars (GTK_LABEL (label), 14);
  return label;
}

GtkWidget *
collet_cell_new_number (void)
{
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "xalign", 1.0, NULL);

  gtk_widget_add_css_class (label, "numeric");
  return label;
}
