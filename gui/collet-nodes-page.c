/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-nodes-page.h"

#include <glib/gi18n.h>

#include "collet-status.h"
#include "collet-table.h"
#include "collet-text.h"

struct _ColletNodesPage
{
  ColletPage parent_instance;
  ColletTable *table;
  ColletItemList *alone; /* the daemon itself, if it tells of no nodes */
  ColletService *service;
};

G_DEFINE_FINAL_TYPE (ColletNodesPage, collet_nodes_page, COLLET_TYPE_PAGE)

static void
bind_name (GtkWidget *cell, gpointer item, gpointer self)
{
  const char *name = collet_item_get_string (item, "Name");
  g_autofree char *text =
      collet_item_get_bool (item, "Self") ? g_strdup_printf (_ ("%s (answers here)"), name) : g_strdup (name);

  gtk_label_set_label (GTK_LABEL (cell), text);
}

static void
bind_state (GtkWidget *cell, gpointer item, gpointer self)
{
  const char *state = collet_item_get_string (item, "State"),
             *message = collet_item_get_string (item, "Message");

  collet_status_set (COLLET_STATUS (cell), collet_text_status_of (COLLET_WORD_NODE_STATE, state),
                     collet_text_of (COLLET_WORD_NODE_STATE, state));
  collet_cell_set_tip (cell, message);
}

static void
bind_message (GtkWidget *cell, gpointer item, gpointer self)
{
  const char *message = collet_item_get_string (item, "Message");

  gtk_label_set_label (GTK_LABEL (cell), message);
  collet_cell_set_tip (cell, message);
}

static void
bind_version (GtkWidget *cell, gpointer item, gpointer self)
{
  gtk_label_set_label (GTK_LABEL (cell), collet_item_get_string (item, "DaemonVersion"));
}

static void
bind_seen (GtkWidget *cell, gpointer item, gpointer self)
{
  /* The moment itself: nobody would count on while a node is away. */
  collet_cell_set_time (cell, collet_item_get_int (item, "LastSeen"));
  if (g_str_equal (collet_item_get_string (item, "State"), "live"))
    gtk_label_set_label (GTK_LABEL (cell), _ ("now"));
}

static void
bind_modules (GtkWidget *cell, gpointer item, gpointer self)
{
  gint64 modules = collet_item_get_count (item, "Counts", "modules");
  gint64 in_line = collet_item_get_count (item, "Counts", "in-line");
  g_autofree char *text = in_line == modules
                              ? g_strdup_printf ("%" G_GINT64_FORMAT, modules)
                              : g_strdup_printf (_ ("%d of %d in line"), (int)in_line, (int)modules);

  gtk_label_set_label (GTK_LABEL (cell), text);
}

static void
bind_url (GtkWidget *cell, gpointer item, gpointer self)
{
  gtk_label_set_label (GTK_LABEL (cell), collet_item_get_string (item, "Url"));
}

static char *
describe (gpointer item, gpointer self)
{
  return g_strdup_printf ("%s, %s", collet_item_get_string (item, "Name"),
                          collet_text_of (COLLET_WORD_NODE_STATE, collet_item_get_string (item, "State")));
}

static int
compare_modules (gconstpointer a, gconstpointer b, gpointer self)
{
  gint64 left = collet_item_get_count ((gpointer)a, "Counts", "modules"),
         right = collet_item_get_count ((gpointer)b, "Counts", "modules");

  return left < right ? -1 : left > right;
}

static gboolean
matches (gpointer item, const char *text)
{
  return collet_table_has_text (item, text, "Name", "State", "Url", "Message", NULL);
}

/* A daemon that tells of no nodes is one itself. */
static void
update_alone (ColletNodesPage *self)
{
  ColletItem *daemon = collet_service_get_daemon (self->service);
  GListModel *nodes = G_LIST_MODEL (collet_service_get_list (self->service, COLLET_LIST_NODES));
  GVariantBuilder counts, values;

  if (g_list_model_get_n_items (nodes) > 0 || !collet_service_has_data (self->service))
    {
      collet_item_list_remove (self->alone, "self");
      collet_item_list_flush (self->alone);
      return;
    }
  guint64 n = (guint64)collet_item_get_count (daemon, "Counts", "modules");
  g_variant_builder_init (&counts, G_VARIANT_TYPE ("a{st}"));
  g_variant_builder_add (&counts, "{st}", "modules", n);
  g_variant_builder_add (&counts, "{st}", "in-line", n);
  g_variant_builder_init (&values, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&values, "{sv}", "Name",
                         g_variant_new_string (collet_item_get_string (daemon, "NodeName")));
  g_variant_builder_add (&values, "{sv}", "Self", g_variant_new_boolean (TRUE));
  g_variant_builder_add (&values, "{sv}", "State",
                         g_variant_new_string (
                             collet_service_get_state (self->service) == COLLET_SERVICE_READY ? "live"
                                                                                              : "down"));
  g_variant_builder_add (&values, "{sv}", "DaemonVersion",
                         g_variant_new_string (collet_item_get_string (daemon, "Version")));
  g_variant_builder_add (&values, "{sv}", "LastSeen",
                         g_variant_new_int64 (collet_service_get_stale_since (self->service)));
  g_variant_builder_add (&values, "{sv}", "Counts", g_variant_builder_end (&counts));
  collet_item_list_put (self->alone, "self", g_variant_builder_end (&values));
  collet_item_list_flush (self->alone);
}

static void
collet_nodes_page_set_service (ColletPage *page, ColletService *service)
{
  ColletNodesPage *self = COLLET_NODES_PAGE (page);
  GListModel *nodes = G_LIST_MODEL (collet_service_get_list (service, COLLET_LIST_NODES));
  static const ColletColumn columns[] = {
    { N_ ("Node"), collet_cell_new_name, bind_name, NULL, FALSE, describe, "Name" },
    { N_ ("State"), collet_status_new, bind_state, NULL, FALSE, NULL, "State" },
    { N_ ("Modules"), collet_cell_new_text, bind_modules, compare_modules, FALSE, NULL, NULL },
    { N_ ("Daemon"), collet_cell_new_text, bind_version, NULL, FALSE, NULL, "DaemonVersion" },
    { N_ ("Last Seen"), collet_cell_new_text, bind_seen, NULL, FALSE, NULL, "LastSeen" },
    { N_ ("Address"), collet_cell_new_text, bind_url, NULL, FALSE, NULL, "Url" },
    { N_ ("What Is Wrong"), collet_cell_new_text, bind_message, NULL, TRUE, NULL, "Message" },
  };
  const ColletTableSetup setup = {
    .search = _ ("Search nodes"),
    .empty_icon = "collet-node-symbolic",
    .empty_title = _ ("No Nodes"),
    .empty_description = _ ("The daemon tells of none."),
    .columns = columns,
    .n_columns = G_N_ELEMENTS (columns),
    .matches = matches,
  };
  g_autoptr (GListStore) both = g_list_store_new (G_TYPE_LIST_MODEL);
  g_list_store_append (both, nodes);
  g_list_store_append (both, self->alone);
  g_autoptr (GtkFlattenListModel) all = gtk_flatten_list_model_new (G_LIST_MODEL (g_object_ref (both)));

  self->service = service;
  collet_table_setup (self->table, &setup, service, G_LIST_MODEL (all), self);
  g_signal_connect_object (service, "state-changed", G_CALLBACK (update_alone), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (nodes, "items-changed", G_CALLBACK (update_alone), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (collet_service_get_daemon (service), "notify::revision", G_CALLBACK (update_alone),
                           self, G_CONNECT_SWAPPED);
  update_alone (self);
}

static GtkWidget *
collet_nodes_page_get_search (ColletPage *page)
{
  return collet_table_get_search (COLLET_NODES_PAGE (page)->table);
}

static void
collet_nodes_page_dispose (GObject *object)
{
  g_clear_object (&COLLET_NODES_PAGE (object)->alone);
  G_OBJECT_CLASS (collet_nodes_page_parent_class)->dispose (object);
}

static void
collet_nodes_page_class_init (ColletNodesPageClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = collet_nodes_page_dispose;
  COLLET_PAGE_CLASS (klass)->set_service = collet_nodes_page_set_service;
  COLLET_PAGE_CLASS (klass)->get_search = collet_nodes_page_get_search;
}

static void
collet_nodes_page_init (ColletNodesPage *self)
{
  self->alone = collet_item_list_new ();
  self->table = g_object_new (COLLET_TYPE_TABLE, NULL);
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->table));
  collet_page_set_title (COLLET_PAGE (self), _ ("Nodes"), "");
}
