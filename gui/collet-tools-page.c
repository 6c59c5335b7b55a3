/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-tools-page.h"

#include <glib/gi18n.h>

#include "collet-table.h"
#include "collet-text.h"

struct _ColletToolsPage
{
  ColletPage parent_instance;
  ColletTable *table;
};

G_DEFINE_FINAL_TYPE (ColletToolsPage, collet_tools_page, COLLET_TYPE_PAGE)

static void
bind_string (GtkWidget *cell, gpointer item, const char *name)
{
  gtk_label_set_label (GTK_LABEL (cell), collet_item_get_string (item, name));
}

static void
bind_name (GtkWidget *cell, gpointer item, gpointer self)
{
  bind_string (cell, item, "Name");
}

static void
bind_module (GtkWidget *cell, gpointer item, gpointer self)
{
  bind_string (cell, item, "Module");
}

static void
bind_description (GtkWidget *cell, gpointer item, gpointer self)
{
  const char *description = collet_item_get_string (item, "Description");

  bind_string (cell, item, "Description");
  collet_cell_set_tip (cell, description);
}

static void
bind_version (GtkWidget *cell, gpointer item, gpointer self)
{
  const char *semantic = collet_item_get_string (item, "SemanticVersion");
  g_autofree char *version = *semantic != '\0'
                                 ? g_strdup (semantic)
                                 : collet_text_dup_version (collet_item_get_string (item, "Version"));

  gtk_label_set_label (GTK_LABEL (cell), version);
  collet_cell_set_tip (cell, collet_item_get_string (item, "Version"));
}

static void
bind_updated (GtkWidget *cell, gpointer item, gpointer self)
{
  collet_cell_set_time (cell, collet_item_get_int (item, "UpdatedAt"));
}

static void
bind_number (GtkWidget *cell, gpointer item, const char *name)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, collet_item_get_int (item, name));

  gtk_label_set_label (GTK_LABEL (cell), text);
}

static void
bind_calls (GtkWidget *cell, gpointer item, gpointer self)
{
  bind_number (cell, item, "Calls");
}

static void
bind_errors (GtkWidget *cell, gpointer item, gpointer self)
{
  gint64 errors = collet_item_get_int (item, "Errors");

  bind_number (cell, item, "Errors");
  if (errors > 0)
    gtk_widget_add_css_class (cell, "warning");
  else
    gtk_widget_remove_css_class (cell, "warning");
}

static char *
describe (gpointer item, gpointer self)
{
  /* Translators: a tool, its module, its version, number of calls and errors */
  return g_strdup_printf (_ ("%s of %s, version %s, %d calls, %d errors"),
                          collet_item_get_string (item, "Name"), collet_item_get_string (item, "Module"),
                          collet_item_get_string (item, "SemanticVersion"),
                          (int)collet_item_get_int (item, "Calls"),
                          (int)collet_item_get_int (item, "Errors"));
}

static gboolean
matches (gpointer item, const char *text)
{
  return collet_table_has_text (item, text, "Name", "Module", "Title", "Description", "SemanticVersion",
                                NULL);
}

static void
activate (gpointer item, gpointer self)
{
  gtk_widget_activate_action (self, "win.open-tool", "s", collet_item_get_string (item, "Name"));
}

static void
collet_tools_page_set_service (ColletPage *page, ColletService *service)
{
  ColletToolsPage *self = COLLET_TOOLS_PAGE (page);
  static const ColletColumn columns[] = {
    { N_ ("Tool"), collet_cell_new_name, bind_name, NULL, FALSE, describe, "Name" },
    { N_ ("Description"), collet_cell_new_text, bind_description, NULL, TRUE, NULL, "Description" },
    { N_ ("Module"), collet_cell_new_text, bind_module, NULL, FALSE, NULL, "Module" },
    { N_ ("Version"), collet_cell_new_text, bind_version, NULL, FALSE, NULL, "SemanticVersion" },
    { N_ ("Calls"), collet_cell_new_number, bind_calls, NULL, FALSE, NULL, "Calls" },
    { N_ ("Errors"), collet_cell_new_number, bind_errors, NULL, FALSE, NULL, "Errors" },
    { N_ ("Updated"), collet_cell_new_text, bind_updated, NULL, FALSE, NULL, "UpdatedAt" },
  };
  const ColletTableSetup setup = {
    .search = _ ("Search tools"),
    .empty_icon = "collet-tool-symbolic",
    .empty_title = _ ("No Tools"),
    .empty_description = _ ("Tools come with the modules that are loaded."),
    .columns = columns,
    .n_columns = G_N_ELEMENTS (columns),
    .matches = matches,
    .activate = activate,
  };

  collet_table_setup (self->table, &setup, service,
                      G_LIST_MODEL (collet_service_get_list (service, COLLET_LIST_TOOLS)), self);
}

static GtkWidget *
collet_tools_page_get_search (ColletPage *page)
{
  return collet_table_get_search (COLLET_TOOLS_PAGE (page)->table);
}

static void
collet_tools_page_class_init (ColletToolsPageClass *klass)
{
  COLLET_PAGE_CLASS (klass)->set_service = collet_tools_page_set_service;
  COLLET_PAGE_CLASS (klass)->get_search = collet_tools_page_get_search;
}

static void
collet_tools_page_init (ColletToolsPage *self)
{
  self->table = g_object_new (COLLET_TYPE_TABLE, NULL);
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->table));
  collet_page_set_title (COLLET_PAGE (self), _ ("Tools"), "");
}
