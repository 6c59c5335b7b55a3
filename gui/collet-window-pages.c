/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-window-private.h"

#include <glib/gi18n.h>

#include "collet-activity-page.h"
#include "collet-module-page.h"
#include "collet-nodes-page.h"
#include "collet-overview-page.h"
#include "collet-reload-page.h"
#include "collet-reloads-page.h"
#include "collet-subscriptions-page.h"
#include "collet-tool-page.h"
#include "collet-tools-page.h"

typedef struct
{
  const char *name;
  GType (*get_type) (void);
  const char *title, *icon; /* in the sidebar; NULL: it is about one thing */
} Page;

static const Page table[] = {
  { "overview", collet_overview_page_get_type, N_ ("Overview"), "collet-overview-symbolic" },
  { "tools", collet_tools_page_get_type, N_ ("Tools"), "collet-tool-symbolic" },
  { "nodes", collet_nodes_page_get_type, N_ ("Nodes"), "collet-node-symbolic" },
  { "reloads", collet_reloads_page_get_type, N_ ("Reloads"), "collet-reload-symbolic" },
  { "subscriptions", collet_subscriptions_page_get_type, N_ ("Subscriptions"),
    "collet-subscription-symbolic" },
  { "activity", collet_activity_page_get_type, N_ ("Activity"), "collet-activity-symbolic" },
  { "tool", collet_tool_page_get_type, NULL, NULL },
  { "module", collet_module_page_get_type, NULL, NULL },
  { "reload", collet_reload_page_get_type, NULL, NULL },
};

typedef struct
{
  const char *page;
  char *key;
} Place;

static void
free_place (gpointer data)
{
  Place *place = data;

  g_free (place->key);
  g_free (place);
}

static const Page *
find_page (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (g_str_equal (table[i].name, name))
      return &table[i];
  return NULL;
}

/* Made when it is first shown: a window opens the sooner. */
static ColletPage *
ensure_page (ColletWindow *self, const Page *page)
{
  GtkWidget *made = gtk_stack_get_child_by_name (self->pages, page->name);

  if (made == NULL)
    {
      made = g_object_new (page->get_type (), NULL);
      gtk_stack_add_named (self->pages, made, page->name);
      collet_page_set_service (COLLET_PAGE (made), self->service);
    }
  return COLLET_PAGE (made);
}

static void
update_title (ColletWindow *self)
{
  adw_window_title_set_title (self->title, collet_page_get_title (self->page));
  adw_window_title_set_subtitle (self->title, collet_page_get_subtitle (self->page));
}

static void
select_place (ColletWindow *self, const Page *page)
{
  if (page->title == NULL)
    return;
  for (int i = 0;; i++)
    {
      GtkListBoxRow *row = gtk_list_box_get_row_at_index (self->places, i);

      if (row == NULL)
        return;
      if (g_str_equal (gtk_widget_get_name (GTK_WIDGET (row)), page->name))
        gtk_list_box_select_row (self->places, row);
    }
}

static void
go (ColletWindow *self, const Page *page, const char *key)
{
  ColletPage *last = self->page;

  if (last != NULL)
    g_signal_handlers_disconnect_by_func (last, update_title, self);
  self->page = ensure_page (self, page);
  g_signal_connect_swapped (self->page, "notify::title", G_CALLBACK (update_title), self);
  g_signal_connect_swapped (self->page, "notify::subtitle", G_CALLBACK (update_title), self);
  collet_page_set_key (self->page, key);
  /* A stack only does not draw the others; a screen reader would still read them. */
  gtk_widget_set_visible (GTK_WIDGET (self->page), TRUE);
  gtk_stack_set_visible_child (self->pages, GTK_WIDGET (self->page));
  if (last != NULL && last != self->page)
    gtk_widget_set_visible (GTK_WIDGET (last), FALSE);
  select_place (self, page);
  update_title (self);
  adw_leaflet_navigate (self->leaflet, ADW_NAVIGATION_DIRECTION_FORWARD);
  gtk_widget_set_visible (self->back, self->way->len > 1 || adw_leaflet_get_folded (self->leaflet));
}

void
collet_window_show (ColletWindow *self, const char *name, const char *key)
{
  const Page *page = find_page (name);
  Place *last = self->way->len > 0 ? self->way->pdata[self->way->len - 1] : NULL;

  if (page == NULL)
    return;
  /* A place of the sidebar is where a way begins. */
  if (page->title != NULL)
    g_ptr_array_set_size (self->way, 0);
  if (page->title != NULL || last == NULL || last->page != page->name || g_strcmp0 (last->key, key) != 0)
    {
      Place *place = g_new (Place, 1);

      *place = (Place){ page->name, g_strdup (key) };
      g_ptr_array_add (self->way, place);
    }
  go (self, page, key);
}

static void
go_back (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ColletWindow *self = COLLET_WINDOW (widget);

  if (self->way->len > 1)
    {
      g_ptr_array_set_size (self->way, (int)self->way->len - 1);
      Place *place = self->way->pdata[self->way->len - 1];
      go (self, find_page (place->page), place->key);
    }
  else
    adw_leaflet_navigate (self->leaflet, ADW_NAVIGATION_DIRECTION_BACK);
}

static void
go_to (GtkWidget *widget, const char *action, GVariant *parameter)
{
  collet_window_show (COLLET_WINDOW (widget), g_variant_get_string (parameter, NULL), NULL);
}

/* "win.open-module" shows the page "module" of what the target names. */
static void
open_thing (GtkWidget *widget, const char *action, GVariant *parameter)
{
  collet_window_show (COLLET_WINDOW (widget), action + strlen ("win.open-"),
                      g_variant_get_string (parameter, NULL));
}

static void
find (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ColletWindow *self = COLLET_WINDOW (widget);
  GtkWidget *search = collet_page_get_search (self->page);

  if (search != NULL)
    gtk_widget_grab_focus (search);
}

static void
refresh (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ColletWindow *self = COLLET_WINDOW (widget);

  collet_service_refresh (self->service);
  collet_page_refresh (self->page);
}

static void
open_menu (GtkWidget *widget, const char *action, GVariant *parameter)
{
  gtk_menu_button_popup (GTK_MENU_BUTTON (COLLET_WINDOW (widget)->menu));
}

/* Made when it is asked for. The file that GTK would look for by itself makes a window for each of
 * ours, which stays hidden; and with the last window hidden, GTK 4.8 and 4.18 end the program when a
 * screen reader asks for one that has just been closed. */
static void
show_shortcuts (GtkWidget *widget, const char *action, GVariant *parameter)
{
  g_autoptr (GtkBuilder) builder = gtk_builder_new_from_resource ("/org/collet/Collet/collet-shortcuts.ui");
  GtkWindow *shortcuts = GTK_WINDOW (gtk_builder_get_object (builder, "shortcuts"));

  gtk_window_set_transient_for (shortcuts, GTK_WINDOW (widget));
  gtk_window_present (shortcuts);
}

void
collet_window_on_place_activated (ColletWindow *self, GtkListBoxRow *row)
{
  collet_window_show (self, gtk_widget_get_name (GTK_WIDGET (row)), NULL);
}

static void
add_place (ColletWindow *self, const Page *page)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *icon = gtk_image_new_from_icon_name (page->icon);

  gtk_box_append (GTK_BOX (box), icon);
  gtk_box_append (GTK_BOX (box), gtk_label_new (_ (page->title)));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_widget_set_name (row, page->name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, _ (page->title), -1);
  gtk_list_box_append (self->places, row);
}

static void
on_folded (ColletWindow *self)
{
  gtk_widget_set_visible (self->back, self->way->len > 1 || adw_leaflet_get_folded (self->leaflet));
}

void
collet_window_pages_init (ColletWindow *self)
{
  self->way = g_ptr_array_new_with_free_func (free_place);
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (table[i].title != NULL)
      add_place (self, &table[i]);
  g_signal_connect_swapped (self->leaflet, "notify::folded", G_CALLBACK (on_folded), self);
  collet_window_show (self, table[0].name, NULL);
}

void
collet_window_pages_class_init (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.go", "s", go_to);
  gtk_widget_class_install_action (widget_class, "win.back", NULL, go_back);
  gtk_widget_class_install_action (widget_class, "win.find", NULL, find);
  gtk_widget_class_install_action (widget_class, "win.refresh", NULL, refresh);
  gtk_widget_class_install_action (widget_class, "win.menu", NULL, open_menu);
  gtk_widget_class_install_action (widget_class, "win.shortcuts", NULL, show_shortcuts);
  gtk_widget_class_install_action (widget_class, "win.open-module", "s", open_thing);
  gtk_widget_class_install_action (widget_class, "win.open-tool", "s", open_thing);
  gtk_widget_class_install_action (widget_class, "win.open-reload", "s", open_thing);
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    g_type_ensure (table[i].get_type ());
}
