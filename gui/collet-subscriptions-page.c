/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-subscriptions-page.h"

#include <glib/gi18n.h>

#include "collet-rows.h"
#include "collet-table.h"
#include "collet-text.h"
#include "collet-window.h"

struct _ColletSubscriptionsPage
{
  ColletPage parent_instance;
  ColletTable *table;
  ColletItemList *rows;
  GtkWidget *all, *remove;
};

G_DEFINE_FINAL_TYPE (ColletSubscriptionsPage, collet_subscriptions_page, COLLET_TYPE_PAGE)

/* ---- columns ---- */

static const char *
get_tool (gpointer item)
{
  const char *tool = collet_item_get_string (item, "tool");

  return g_str_equal (tool, "*") ? _ ("Every tool") : tool;
}

static void
bind_tool (GtkWidget *cell, gpointer item, gpointer self)
{
  gtk_label_set_label (GTK_LABEL (cell), get_tool (item));
}

static void
bind_subscriber (GtkWidget *cell, gpointer item, gpointer self)
{
  gtk_label_set_label (GTK_LABEL (cell), collet_item_get_string (item, "subscriber"));
}

static void
bind_owner (GtkWidget *cell, gpointer item, gpointer self)
{
  g_autofree char *owner = collet_text_dup_initiator (collet_item_get_int (item, "uid"));

  gtk_label_set_label (GTK_LABEL (cell), owner);
}

static void
bind_since (GtkWidget *cell, gpointer item, gpointer self)
{
  collet_cell_set_time (cell, collet_item_get_int (item, "since"));
}

static void
bind_pending (GtkWidget *cell, gpointer item, gpointer self)
{
  g_autofree char *pending = g_strdup_printf ("%" G_GINT64_FORMAT, collet_item_get_int (item, "pending"));

  gtk_label_set_label (GTK_LABEL (cell), pending);
}

static char *
describe (gpointer item, gpointer self)
{
  /* Translators: a tool, who subscribes to it, how many updates are not seen yet */
  return g_strdup_printf (_ ("%s for %s, %d updates not seen"), get_tool (item),
                          collet_item_get_string (item, "subscriber"),
                          (int)collet_item_get_int (item, "pending"));
}

static gboolean
matches (gpointer item, const char *text)
{
  return collet_table_has_text (item, text, "tool", "subscriber", NULL);
}

/* ---- rows ---- */

/* Every tool, by this user. */
static void
show_own (ColletSubscriptionsPage *self)
{
  g_autofree char *own = collet_text_dup_own_subscriber ();
  g_autofree char *key = g_strdup_printf ("*\n%s", own);
  gboolean has = collet_item_list_lookup (self->rows, key) != NULL;

  collet_button_set_label (self->all,
                           has ? _ ("_Unsubscribe from Every Tool") : _ ("_Subscribe to Every Tool"));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->all), has ? "win.unsubscribe" : "win.subscribe");
}

static void
on_rows (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = collet_service_call_finish_rows (result, &error);
  ColletSubscriptionsPage *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (rows != NULL)
    {
      collet_item_list_begin_replace (self->rows);
      for (guint i = 0; i < rows->len; i++)
        {
          g_autofree char *key = g_strdup_printf ("%s\n%s", collet_item_get_string (rows->pdata[i], "tool"),
                                                  collet_item_get_string (rows->pdata[i], "subscriber"));
          g_autoptr (GVariant) values = collet_item_ref_values (rows->pdata[i]);
          collet_item_list_put (self->rows, key, values);
        }
      collet_item_list_end_replace (self->rows);
      show_own (self);
    }
  collet_table_set_answered (self->table, error);
}

static void
collet_subscriptions_page_refresh (ColletPage *page)
{
  ColletSubscriptionsPage *self = COLLET_SUBSCRIPTIONS_PAGE (page);

  collet_table_set_asking (self->table);
  collet_service_call (collet_page_get_service (page), "ListSubscriptions", g_variant_new ("(a{sv})", NULL),
                       0, collet_page_get_cancellable (page), on_rows, self);
}

static void
on_updated (ColletSubscriptionsPage *self)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    collet_subscriptions_page_refresh (COLLET_PAGE (self));
}

/* ---- removing ---- */

typedef struct
{
  ColletSubscriptionsPage *page;
  char *tool;
  gboolean is_own; /* then it can be taken back */
} Removal;

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Removal *removal = user_data;
  g_autoptr (ColletSubscriptionsPage) self = removal->page;
  g_autofree char *tool = removal->tool;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = collet_service_call_finish (result, "(b)", &error);
  ColletWindow *window = collet_window_of (self);

  if (reply == NULL && window != NULL)
    collet_window_toast_error (window, _ ("The subscription could not be removed"), error);
  else if (window != NULL)
    collet_window_toast (window, _ ("The subscription was removed"), removal->is_own ? _ ("_Undo") : NULL,
                         "win.subscribe", g_variant_new_string (tool));
  on_updated (self);
}

static void
on_remove (ColletSubscriptionsPage *self)
{
  ColletItem *row = collet_table_get_selected (self->table);
  ColletWindow *window = collet_window_of (self);
  g_autofree char *own = collet_text_dup_own_subscriber ();
  GVariantBuilder options;

  if (row == NULL)
    {
      if (window != NULL)
        collet_window_toast (window, _ ("Select a subscription first"), NULL, NULL, NULL);
      return;
    }
  Removal *removal = g_new (Removal, 1);
  *removal = (Removal){ g_object_ref (self), g_strdup (collet_item_get_string (row, "tool")),
                        g_str_equal (collet_item_get_string (row, "subscriber"), own) };
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "subscriber",
                         g_variant_new_string (collet_item_get_string (row, "subscriber")));
  collet_service_call (collet_page_get_service (COLLET_PAGE (self)), "UnsubscribeFromToolUpdates",
                       g_variant_new ("(sa{sv})", collet_item_get_string (row, "tool"), &options), 0, NULL,
                       on_removed, removal);
}

/* ---- the page ---- */

static void
collet_subscriptions_page_set_service (ColletPage *page, ColletService *service)
{
  ColletSubscriptionsPage *self = COLLET_SUBSCRIPTIONS_PAGE (page);
  static const ColletColumn columns[] = {
    { N_ ("Tool"), collet_cell_new_name, bind_tool, NULL, TRUE, describe, "tool" },
    { N_ ("Subscriber"), collet_cell_new_text, bind_subscriber, NULL, TRUE, NULL, "subscriber" },
    { N_ ("Of"), collet_cell_new_text, bind_owner, NULL, FALSE, NULL, "uid" },
    { N_ ("Since"), collet_cell_new_text, bind_since, NULL, FALSE, NULL, "since" },
    { N_ ("Not Seen"), collet_cell_new_number, bind_pending, NULL, FALSE, NULL, "pending" },
  };
  const ColletTableSetup setup = {
    .search = _ ("Search subscriptions"),
    .empty_icon = "collet-subscription-symbolic",
    .empty_title = _ ("No Subscriptions"),
    .empty_description =
        _ ("Subscribe on the page of a tool, or to every tool here. Updates are kept for who is away."),
    .columns = columns,
    .n_columns = G_N_ELEMENTS (columns),
    .matches = matches,
  };

  collet_table_setup (self->table, &setup, service, G_LIST_MODEL (self->rows), self);
  g_signal_connect_object (service, "tool-updated", G_CALLBACK (on_updated), self, G_CONNECT_SWAPPED);
}

static GtkWidget *
collet_subscriptions_page_get_search (ColletPage *page)
{
  return collet_table_get_search (COLLET_SUBSCRIPTIONS_PAGE (page)->table);
}

static void
collet_subscriptions_page_dispose (GObject *object)
{
  g_clear_object (&COLLET_SUBSCRIPTIONS_PAGE (object)->rows);
  G_OBJECT_CLASS (collet_subscriptions_page_parent_class)->dispose (object);
}

static void
collet_subscriptions_page_class_init (ColletSubscriptionsPageClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = collet_subscriptions_page_dispose;
  COLLET_PAGE_CLASS (klass)->set_service = collet_subscriptions_page_set_service;
  COLLET_PAGE_CLASS (klass)->refresh = collet_subscriptions_page_refresh;
  COLLET_PAGE_CLASS (klass)->get_search = collet_subscriptions_page_get_search;
}

static void
collet_subscriptions_page_init (ColletSubscriptionsPage *self)
{
  self->rows = collet_item_list_new ();
  self->table = g_object_new (COLLET_TYPE_TABLE, NULL);
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->table));
  collet_page_set_title (COLLET_PAGE (self), _ ("Subscriptions"), "");
  self->all = gtk_button_new ();
  collet_button_set_label (self->all, _ ("_Subscribe to Every Tool"));
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->all), "s", "*");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->all), "win.subscribe");
  self->remove = gtk_button_new ();
  collet_button_set_label (self->remove, _ ("_Remove"));
  g_signal_connect_swapped (self->remove, "clicked", G_CALLBACK (on_remove), self);
  collet_table_add_control (self->table, self->all);
  collet_table_add_control (self->table, self->remove);
}
