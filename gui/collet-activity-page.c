/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-activity-page.h"

#include <glib/gi18n.h>

#include "collet-activity.h"
#include "collet-status.h"
#include "collet-table.h"
#include "collet-text.h"

struct _ColletActivityPage
{
  ColletPage parent_instance;
  ColletTable *table;
};

G_DEFINE_FINAL_TYPE (ColletActivityPage, collet_activity_page, COLLET_TYPE_PAGE)

static void
bind_time (GtkWidget *cell, gpointer item, gpointer self)
{
  collet_cell_set_time (cell, collet_item_get_int (item, "At"));
}

static void
bind_text (GtkWidget *cell, gpointer item, gpointer self)
{
  collet_status_set (COLLET_STATUS (cell), (ColletStatusKind)collet_item_get_int (item, "Status"),
                     collet_item_get_string (item, "Text"));
}

static char *
describe (gpointer item, gpointer self)
{
  g_autofree char *time = collet_text_dup_time (collet_item_get_int (item, "At"));

  return g_strdup_printf ("%s, %s", collet_item_get_string (item, "Text"), time);
}

static gboolean
matches (gpointer item, const char *text)
{
  return collet_table_has_text (item, text, "Text", NULL);
}

static void
activate (gpointer item, gpointer self)
{
  const char *page = collet_item_get_string (item, "Page"), *key = collet_item_get_string (item, "Key");

  if (*key == '\0')
    gtk_widget_activate_action (self, "win.go", "s", page);
  else
    {
      g_autofree char *action = g_strdup_printf ("win.open-%s", page);
      gtk_widget_activate_action (self, action, "s", key);
    }
}

static void
collet_activity_page_set_service (ColletPage *page, ColletService *service)
{
  ColletActivityPage *self = COLLET_ACTIVITY_PAGE (page);
  ColletActivity *activity = collet_app_get_activity (COLLET_APP (g_application_get_default ()));
  static const ColletColumn columns[] = {
    { N_ ("What Happened"), collet_status_new, bind_text, NULL, TRUE, describe, "Text" },
    { N_ ("When"), collet_cell_new_text, bind_time, NULL, FALSE, NULL, "At" },
  };
  const ColletTableSetup setup = {
    .search = _ ("Search activity"),
    .empty_icon = "collet-activity-symbolic",
    .empty_title = _ ("Nothing Happened Yet"),
    .empty_description =
        _ ("What the daemon tells while the app is open is listed here; the history has the rest."),
    .columns = columns,
    .n_columns = G_N_ELEMENTS (columns),
    .matches = matches,
    .activate = activate,
  };

  collet_table_setup (self->table, &setup, service, collet_activity_get_events (activity), self);
}

static GtkWidget *
collet_activity_page_get_search (ColletPage *page)
{
  return collet_table_get_search (COLLET_ACTIVITY_PAGE (page)->table);
}

static void
collet_activity_page_class_init (ColletActivityPageClass *klass)
{
  COLLET_PAGE_CLASS (klass)->set_service = collet_activity_page_set_service;
  COLLET_PAGE_CLASS (klass)->get_search = collet_activity_page_get_search;
}

static void
collet_activity_page_init (ColletActivityPage *self)
{
  self->table = g_object_new (COLLET_TYPE_TABLE, NULL);
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->table));
  collet_page_set_title (COLLET_PAGE (self), _ ("Activity"), "");
}
