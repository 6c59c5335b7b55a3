/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-table.h"

#include "collet-state-bin.h"

struct _ColletTable
{
  AdwBin parent_instance;
  GtkWidget *bar, *search;
  ColletStateBin *state;
  GtkColumnView *view;
  GtkFilter *filter;
  char *text; /* that is searched, folded */
  ColletTableSetup setup;
  gpointer user_data;
};

G_DEFINE_FINAL_TYPE (ColletTable, collet_table, ADW_TYPE_BIN)

static gboolean
matches (gpointer item, gpointer user_data)
{
  ColletTable *self = user_data;

  return self->text == NULL || *self->text == '\0' || self->setup.matches (item, self->text);
}

static void
on_search_changed (ColletTable *self)
{
  g_free (self->text);
  self->text = g_utf8_casefold (gtk_editable_get_text (GTK_EDITABLE (self->search)), -1);
  if (self->filter != NULL)
    gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_DIFFERENT);
}

static void
on_activate (GtkColumnView *view, guint position, gpointer user_data)
{
  ColletTable *self = COLLET_TABLE (gtk_widget_get_ancestor (GTK_WIDGET (view), COLLET_TYPE_TABLE));
  gpointer item = collet_columns_get_item (view, position);

  if (item != NULL && self->setup.activate != NULL)
    self->setup.activate (item, self->user_data);
}

void
collet_table_setup (ColletTable *self, const ColletTableSetup *setup, ColletService *service,
                    GListModel *model, gpointer user_data)
{
  g_return_if_fail (self->filter == NULL);
  self->setup = *setup;
  self->user_data = user_data;
  for (guint i = 0; i < setup->n_columns; i++)
    collet_columns_append (self->view, &setup->columns[i], user_data);
  gtk_column_view_set_single_click_activate (self->view, setup->activate != NULL);
  g_object_set (self->search, "placeholder-text", setup->search, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->search), GTK_ACCESSIBLE_PROPERTY_LABEL, setup->search,
                                  -1);
  g_object_set (self->state, "empty-icon", setup->empty_icon, "empty-title", setup->empty_title,
                "empty-description", setup->empty_description, NULL);

  self->filter = GTK_FILTER (gtk_custom_filter_new (matches, self, NULL));
  g_autoptr (GtkFilterListModel) shown =
      gtk_filter_list_model_new (g_object_ref (model), g_object_ref (self->filter));
  collet_columns_set_model (self->view, G_LIST_MODEL (shown));
  collet_state_bin_watch (self->state, service, model, G_LIST_MODEL (shown));
}

void
collet_table_add_control (ColletTable *self, GtkWidget *control)
{
  gtk_flow_box_append (GTK_FLOW_BOX (self->bar), control);
  gtk_widget_set_focusable (gtk_widget_get_parent (control), FALSE);
  gtk_widget_set_visible (self->bar, TRUE);
}

GtkWidget *
collet_table_get_search (ColletTable *self)
{
  return self->search;
}

gpointer
collet_table_get_selected (ColletTable *self)
{
  return collet_columns_get_selected (self->view);
}

void
collet_table_set_asking (ColletTable *self)
{
  collet_state_bin_set_asking (self->state);
}

void
collet_table_set_answered (ColletTable *self, const GError *error)
{
  if (error != NULL)
    collet_state_bin_set_error (self->state, error);
  else
    collet_state_bin_set_read (self->state);
}

gboolean
collet_table_has_text (ColletItem *item, const char *text, const char *first_name, ...)
{
  gboolean has = FALSE;
  va_list names;

  va_start (names, first_name);
  for (const char *name = first_name; name != NULL && !has; name = va_arg (names, const char *))
    {
      g_autofree char *folded = g_utf8_casefold (collet_item_get_string (item, name), -1);
      has = strstr (folded, text) != NULL;
    }
  va_end (names);
  return has;
}

static void
collet_table_dispose (GObject *object)
{
  ColletTable *self = COLLET_TABLE (object);

  g_clear_object (&self->filter);
  g_clear_pointer (&self->text, g_free);
  G_OBJECT_CLASS (collet_table_parent_class)->dispose (object);
}

static void
collet_table_class_init (ColletTableClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = collet_table_dispose;
  g_type_ensure (COLLET_TYPE_STATE_BIN);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/collet/Collet/collet-table.ui");
  gtk_widget_class_bind_template_child (widget_class, ColletTable, bar);
  gtk_widget_class_bind_template_child (widget_class, ColletTable, search);
  gtk_widget_class_bind_template_child (widget_class, ColletTable, state);
  gtk_widget_class_bind_template_child (widget_class, ColletTable, view);
  gtk_widget_class_bind_template_callback (widget_class, on_search_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_activate);
}

static void
collet_table_init (ColletTable *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
