/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-overview-page.h"

#include <glib/gi18n.h>

#include "collet-columns.h"
#include "collet-rows.h"
#include "collet-state-bin.h"
#include "collet-status.h"
#include "collet-strip.h"
#include "collet-text.h"

/* More nodes than this are one strip: columns are not virtualised. */
#define MAX_COLUMNS 8

struct _ColletOverviewPage
{
  ColletPage parent_instance;
  ColletStatus *summary;
  GtkWidget *sync_button, *search, *attention;
  ColletStateBin *state;
  GtkColumnView *view;
  GtkFilter *filter;
  GPtrArray *node_columns;
};

G_DEFINE_FINAL_TYPE (ColletOverviewPage, collet_overview_page, COLLET_TYPE_PAGE)

static ColletMatrix *
get_matrix (ColletOverviewPage *self)
{
  return collet_service_get_matrix (collet_page_get_service (COLLET_PAGE (self)));
}

/* The module on the daemon that we talk to; NULL if it does not run there. */
static ColletItem *
get_module (ColletOverviewPage *self, ColletMatrixRow *row)
{
  ColletService *service = collet_page_get_service (COLLET_PAGE (self));

  return collet_item_list_lookup (collet_service_get_list (service, COLLET_LIST_MODULES),
                                  collet_matrix_row_get_module (row));
}

/* ---- what a row says ---- */

static ColletCell
get_worst (ColletMatrixRow *row)
{
  static const ColletCell order[] = { COLLET_CELL_FAILED,   COLLET_CELL_UNKNOWN,   COLLET_CELL_LAGGING,
                                      COLLET_CELL_OVERRIDE, COLLET_CELL_PREPARING, COLLET_CELL_ABSENT };

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    if (collet_matrix_row_count (row, order[i]) > 0)
      return order[i];
  return COLLET_CELL_IN_LINE;
}

static ColletStatusKind
get_health (ColletOverviewPage *self, ColletMatrixRow *row, const char **word)
{
  ColletItem *module = get_module (self, row);
  const char *verdict = module != NULL ? collet_item_get_string (module, "Verdict") : "";
  ColletCell worst = get_worst (row);

  if (g_str_equal (verdict, "broken"))
    {
      *word = _ ("Broken");
      return COLLET_STATUS_BROKEN;
    }
  if (worst != COLLET_CELL_IN_LINE)
    {
      *word = collet_cell_get_word (worst);
      return collet_cell_get_status (worst);
    }
  if (g_str_equal (verdict, "attention"))
    {
      *word = _ ("Needs attention");
      return COLLET_STATUS_ATTENTION;
    }
  *word = _ ("In line");
  return COLLET_STATUS_OK;
}

static int
get_rank (ColletOverviewPage *self, ColletMatrixRow *row)
{
  static const int ranks[COLLET_N_STATUSES] = {
    [COLLET_STATUS_BROKEN] = 5,    [COLLET_STATUS_UNKNOWN] = 4, [COLLET_STATUS_OFFLINE] = 4,
    [COLLET_STATUS_ATTENTION] = 3, [COLLET_STATUS_BUSY] = 2,    [COLLET_STATUS_ABSENT] = 1,
  };
  const char *word;

  return ranks[get_health (self, row, &word)];
}

static char *
dup_version (ColletOverviewPage *self, ColletMatrixRow *row)
{
  ColletItem *module = get_module (self, row);
  const char *version = collet_matrix_row_get_version (row);
  const char *semantic = module != NULL && g_str_equal (collet_item_get_string (module, "Version"), version)
                             ? collet_item_get_string (module, "SemanticVersion")
                             : "";

  return collet_text_dup_full_version (semantic, version);
}

/* ---- columns ---- */

static void
bind_name (GtkWidget *cell, gpointer item, gpointer self)
{
  gtk_label_set_label (GTK_LABEL (cell), collet_matrix_row_get_module (item));
}

static char *
describe (gpointer item, gpointer user_data)
{
  ColletOverviewPage *self = user_data;
  g_autofree char *version = dup_version (self, item);
  g_autofree char *summary = collet_strip_dup_summary (get_matrix (self), item);
  const char *word;

  get_health (self, item, &word);
  /* Translators: a module, its version, how it is, and on how many nodes */
  return g_strdup_printf (_ ("%s, version %s, %s, %s"), collet_matrix_row_get_module (item), version, word,
                          summary);
}

static int
compare_name (gconstpointer a, gconstpointer b, gpointer self)
{
  return g_utf8_collate (collet_matrix_row_get_module ((gpointer)a),
                         collet_matrix_row_get_module ((gpointer)b));
}

static void
bind_health (GtkWidget *cell, gpointer item, gpointer self)
{
  const char *word;
  ColletStatusKind kind = get_health (self, item, &word);
  ColletItem *module = get_module (self, item);
  const char *why = module != NULL ? collet_item_get_string (module, "VerdictMessage") : "";

  collet_status_set (COLLET_STATUS (cell), kind, word);
  collet_cell_set_tip (cell, why);
}

static int
compare_health (gconstpointer a, gconstpointer b, gpointer self)
{
  return get_rank (self, (gpointer)b) - get_rank (self, (gpointer)a);
}

static void
bind_version (GtkWidget *cell, gpointer item, gpointer self)
{
  g_autofree char *version = dup_version (self, item);

  gtk_label_set_label (GTK_LABEL (cell), version);
  collet_cell_set_tip (cell, collet_matrix_row_get_version (item));
}

static int
compare_version (gconstpointer a, gconstpointer b, gpointer self)
{
  g_autofree char *left = dup_version (self, (gpointer)a);
  g_autofree char *right = dup_version (self, (gpointer)b);

  return collet_columns_compare_text (left, right);
}

static void
bind_strip (GtkWidget *cell, gpointer item, gpointer self)
{
  collet_strip_set_row (COLLET_STRIP (cell), get_matrix (self), item);
}

static int
compare_differing (gconstpointer a, gconstpointer b, gpointer self)
{
  return (int)collet_matrix_row_get_n_differing ((gpointer)b) -
         (int)collet_matrix_row_get_n_differing ((gpointer)a);
}

typedef struct
{
  ColletOverviewPage *page;
  guint node;
} NodeColumn;

static void
bind_node (GtkWidget *cell, gpointer item, gpointer user_data)
{
  NodeColumn *column = user_data;
  ColletCell state = collet_matrix_row_get_cell (item, column->node);
  const char *version = collet_matrix_row_get_cell_version (item, column->node);
  g_autofree char *text = collet_text_dup_version (version);

  /* In line needs no word of its own beside the version. */
  collet_status_set (COLLET_STATUS (cell), collet_cell_get_status (state),
                     state == COLLET_CELL_IN_LINE || state == COLLET_CELL_LAGGING
                         ? text
                         : collet_cell_get_word (state));
  g_autofree char *tip = g_strdup_printf ("%s\n%s", collet_cell_get_word (state), version);
  collet_cell_set_tip (cell, tip);
}

/* What is in line together, then what is on the others. */
static int
compare_node (gconstpointer a, gconstpointer b, gpointer user_data)
{
  NodeColumn *column = user_data;
  ColletCell left = collet_matrix_row_get_cell ((gpointer)a, column->node),
             right = collet_matrix_row_get_cell ((gpointer)b, column->node);

  if (left != right)
    return (int)left - (int)right;
  return strcmp (collet_matrix_row_get_cell_version ((gpointer)a, column->node),
                 collet_matrix_row_get_cell_version ((gpointer)b, column->node));
}

static void
set_node_columns (ColletOverviewPage *self)
{
  ColletMatrix *matrix = get_matrix (self);
  guint n = collet_matrix_get_n_nodes (matrix);
  const char *const *nodes = collet_matrix_get_nodes (matrix);

  for (guint i = 0; i < self->node_columns->len; i++)
    gtk_column_view_remove_column (self->view, self->node_columns->pdata[i]);
  g_ptr_array_set_size (self->node_columns, 0);
  /* Alone, the column of versions has said it. */
  if (n <= 1)
    return;
  if (n > MAX_COLUMNS)
    {
      ColletColumn strip = {
        N_ ("Nodes"), collet_strip_new, bind_strip, compare_differing, TRUE, NULL, NULL
      };
      g_ptr_array_add (self->node_columns, g_object_ref (collet_columns_append (self->view, &strip, self)));
      return;
    }
  for (guint i = 0; i < n; i++)
    {
      ColletColumn column = { "", collet_status_new, bind_node, compare_node, FALSE, NULL, NULL };
      NodeColumn *data = g_new (NodeColumn, 1);

      *data = (NodeColumn){ self, i };
      GtkColumnViewColumn *made = collet_columns_append (self->view, &column, data);
      gtk_column_view_column_set_title (made, nodes[i]);
      g_object_set_data_full (G_OBJECT (made), "collet-node", data, g_free);
      g_ptr_array_add (self->node_columns, g_object_ref (made));
    }
}

/* ---- filter and summary ---- */

static gboolean
matches (gpointer item, gpointer user_data)
{
  ColletOverviewPage *self = user_data;
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->search));

  if (gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->attention)) && get_rank (self, item) == 0)
    return FALSE;
  return *text == '\0' || g_str_match_string (text, collet_matrix_row_get_module (item), TRUE) ||
         g_str_has_prefix (collet_matrix_row_get_version (item), text);
}

static void
on_filter_changed (ColletOverviewPage *self)
{
  if (self->filter != NULL)
    gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_DIFFERENT);
}

/* The same that "Needs Attention" shows. */
static guint
count_needing (ColletOverviewPage *self)
{
  GListModel *rows = G_LIST_MODEL (get_matrix (self));
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (rows); i++)
    {
      g_autoptr (ColletMatrixRow) row = g_list_model_get_item (rows, i);
      n += get_rank (self, row) > 0;
    }
  return n;
}

static void
update_summary (ColletOverviewPage *self)
{
  ColletMatrix *matrix = get_matrix (self);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (matrix)), n_nodes = collet_matrix_get_n_nodes (matrix);
  guint needing = count_needing (self);
  g_autofree char *text = NULL;

  gtk_widget_set_visible (GTK_WIDGET (self->summary), n > 0);
  if (needing > 0 && n_nodes <= 1)
    text = g_strdup_printf (ngettext ("%u of %u modules needs you", "%u of %u modules need you", needing),
                            needing, n);
  else if (needing > 0)
    text = g_strdup_printf (ngettext ("%u of %u modules differs between nodes or needs you",
                                      "%u of %u modules differ between nodes or need you", needing),
                            needing, n);
  else if (n_nodes <= 1)
    text = g_strdup_printf (ngettext ("%u module on one node", "%u modules on one node", n), n);
  else
    text = g_strdup_printf (ngettext ("%u module, the same on all %u nodes",
                                      "%u modules, the same on all %u nodes", n),
                            n, n_nodes);
  collet_status_set (self->summary, needing > 0 ? COLLET_STATUS_ATTENTION : COLLET_STATUS_OK, text);
  gtk_widget_set_visible (self->sync_button, n_nodes > 1);
  if (gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->attention)))
    on_filter_changed (self);
}

static void
on_module_changed (ColletOverviewPage *self, guint position, guint removed, guint added, GListModel *modules)
{
  /* Rows say more when their modules are known. */
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (ColletItem) module = g_list_model_get_item (modules, i);
      collet_matrix_touch (get_matrix (self), collet_item_get_key (module));
    }
}

static void
on_activate (GtkColumnView *view, guint position, gpointer user_data)
{
  ColletMatrixRow *row = collet_columns_get_item (view, position);

  if (row != NULL)
    gtk_widget_activate_action (GTK_WIDGET (view), "win.open-module", "s",
                                collet_matrix_row_get_module (row));
}

/* ---- the page ---- */

static void
collet_overview_page_set_service (ColletPage *page, ColletService *service)
{
  ColletOverviewPage *self = COLLET_OVERVIEW_PAGE (page);
  ColletMatrix *matrix = collet_service_get_matrix (service);
  const ColletColumn columns[] = {
    { N_ ("Module"), collet_cell_new_name, bind_name, compare_name, TRUE, describe, NULL },
    { N_ ("Health"), collet_status_new, bind_health, compare_health, FALSE, NULL, NULL },
    { N_ ("Version"), collet_cell_new_text, bind_version, compare_version, FALSE, NULL, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (columns); i++)
    collet_columns_append (self->view, &columns[i], self);
  set_node_columns (self);
  self->filter = GTK_FILTER (gtk_custom_filter_new (matches, self, NULL));
  g_autoptr (GtkFilterListModel) filtered =
      gtk_filter_list_model_new (g_object_ref (G_LIST_MODEL (matrix)), g_object_ref (self->filter));
  collet_columns_set_model (self->view, G_LIST_MODEL (filtered));
  collet_state_bin_watch (self->state, service, G_LIST_MODEL (matrix), G_LIST_MODEL (filtered));
  g_signal_connect_object (matrix, "nodes-changed", G_CALLBACK (set_node_columns), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (matrix, "notify::revision", G_CALLBACK (update_summary), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (collet_service_get_list (service, COLLET_LIST_MODULES), "items-changed",
                           G_CALLBACK (on_module_changed), self, G_CONNECT_SWAPPED);
  update_summary (self);
}

static GtkWidget *
collet_overview_page_get_search (ColletPage *page)
{
  return COLLET_OVERVIEW_PAGE (page)->search;
}

static void
collet_overview_page_dispose (GObject *object)
{
  ColletOverviewPage *self = COLLET_OVERVIEW_PAGE (object);

  g_clear_object (&self->filter);
  g_clear_pointer (&self->node_columns, g_ptr_array_unref);
  G_OBJECT_CLASS (collet_overview_page_parent_class)->dispose (object);
}

static void
collet_overview_page_class_init (ColletOverviewPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  ColletPageClass *page_class = COLLET_PAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = collet_overview_page_dispose;
  page_class->set_service = collet_overview_page_set_service;
  page_class->get_search = collet_overview_page_get_search;
  g_type_ensure (COLLET_TYPE_STATE_BIN);
  g_type_ensure (COLLET_TYPE_STATUS);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/collet/Collet/collet-overview-page.ui");
  gtk_widget_class_bind_template_child (widget_class, ColletOverviewPage, summary);
  gtk_widget_class_bind_template_child (widget_class, ColletOverviewPage, sync_button);
  gtk_widget_class_bind_template_child (widget_class, ColletOverviewPage, search);
  gtk_widget_class_bind_template_child (widget_class, ColletOverviewPage, attention);
  gtk_widget_class_bind_template_child (widget_class, ColletOverviewPage, state);
  gtk_widget_class_bind_template_child (widget_class, ColletOverviewPage, view);
  gtk_widget_class_bind_template_callback (widget_class, on_filter_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_activate);
}

static void
collet_overview_page_init (ColletOverviewPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  collet_widget_name_parts (GTK_WIDGET (self));
  self->node_columns = g_ptr_array_new_with_free_func (g_object_unref);
}
