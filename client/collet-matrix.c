/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-matrix.h"

#include "collet-error.h"
#include "collet-matrix-row.h"

#define MATRIX_TYPE G_VARIANT_TYPE ("(tasasa(suta(uy)))")
#define DELTAS_TYPE G_VARIANT_TYPE ("a(sssty)")

struct _ColletMatrix
{
  GObject parent_instance;
  guint64 serial;
  char **nodes;
  GHashTable *columns; /* node → index + 1 */
  GHashTable *by_name; /* module → row */
  GPtrArray *rows;
  GHashTable *dirty; /* rows that were not announced yet */
  guint pace;
  guint revision;
};

enum
{
  PROP_REVISION = 1,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];
static guint nodes_changed;

static GType
list_get_item_type (GListModel *model)
{
  return COLLET_TYPE_MATRIX_ROW;
}

static guint
list_get_n_items (GListModel *model)
{
  return COLLET_MATRIX (model)->rows->len;
}

static gpointer
list_get_item (GListModel *model, guint position)
{
  ColletMatrix *self = COLLET_MATRIX (model);

  return position < self->rows->len ? g_object_ref (self->rows->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = list_get_item_type;
  iface->get_n_items = list_get_n_items;
  iface->get_item = list_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (ColletMatrix, collet_matrix, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
collet_matrix_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_REVISION)
    g_value_set_uint (value, COLLET_MATRIX (object)->revision);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
collet_matrix_finalize (GObject *object)
{
  ColletMatrix *self = COLLET_MATRIX (object);

  g_clear_handle_id (&self->pace, g_source_remove);
  g_strfreev (self->nodes);
  g_hash_table_unref (self->columns);
  g_hash_table_unref (self->by_name);
  g_hash_table_unref (self->dirty);
  g_ptr_array_unref (self->rows);
  G_OBJECT_CLASS (collet_matrix_parent_class)->finalize (object);
}

static void
collet_matrix_class_init (ColletMatrixClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = collet_matrix_get_property;
  object_class->finalize = collet_matrix_finalize;
  properties[PROP_REVISION] =
      g_param_spec_uint ("revision", NULL, NULL, 0, G_MAXUINT, 0,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  nodes_changed = g_signal_new ("nodes-changed", COLLET_TYPE_MATRIX, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 0);
}

static void
collet_matrix_init (ColletMatrix *self)
{
  self->nodes = g_new0 (char *, 1);
  self->columns = g_hash_table_new (g_str_hash, g_str_equal);
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->rows = g_ptr_array_new_with_free_func (g_object_unref);
  self->dirty = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
}

ColletMatrix *
collet_matrix_new (void)
{
  return g_object_new (COLLET_TYPE_MATRIX, NULL);
}

void
collet_matrix_flush (ColletMatrix *self)
{
  g_autoptr (GHashTable) dirty = self->dirty;
  GHashTableIter iter;
  gpointer row;

  g_clear_handle_id (&self->pace, g_source_remove);
  self->dirty = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  g_hash_table_iter_init (&iter, dirty);
  while (g_hash_table_iter_next (&iter, &row, NULL))
    collet_matrix_row_announce (row);
  self->revision++;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REVISION]);
}

static gboolean
on_pace (gpointer self)
{
  COLLET_MATRIX (self)->pace = 0;
  g_object_ref (self);
  collet_matrix_flush (self);
  g_object_unref (self);
  return G_SOURCE_REMOVE;
}

static void
mark (ColletMatrix *self, ColletMatrixRow *row)
{
  g_hash_table_add (self->dirty, g_object_ref (row));
  if (self->pace == 0)
    self->pace = g_timeout_add (COLLET_ITEM_LIST_PACE_MS, on_pace, self);
}

void
collet_matrix_touch (ColletMatrix *self, const char *module)
{
  ColletMatrixRow *row = g_hash_table_lookup (self->by_name, module);

  if (row != NULL)
    mark (self, row);
}

static gboolean
set_nodes (ColletMatrix *self, char **nodes)
{
  if (g_strv_equal ((const char *const *)nodes, (const char *const *)self->nodes))
    {
      g_strfreev (nodes);
      return FALSE;
    }
  g_hash_table_remove_all (self->columns);
  g_strfreev (self->nodes);
  self->nodes = nodes;
  for (guint i = 0; nodes[i] != NULL; i++)
    g_hash_table_insert (self->columns, nodes[i], GUINT_TO_POINTER (i + 1));
  return TRUE;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (collet_matrix_row_get_module (*(ColletMatrixRow *const *)a),
                 collet_matrix_row_get_module (*(ColletMatrixRow *const *)b));
}

static gboolean
have_same_modules (GPtrArray *a, GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (compare (&a->pdata[i], &b->pdata[i]) != 0)
      return FALSE;
  return TRUE;
}

static gboolean
copy_row (ColletMatrixRow *to, ColletMatrixRow *from, guint n_nodes)
{
  gboolean changed = collet_matrix_row_set_agreed (to, collet_matrix_row_get_version (from),
                                                   collet_matrix_row_get_epoch (from));

  for (guint i = 0; i < n_nodes; i++)
    changed |= collet_matrix_row_set_cell (to, i, collet_matrix_row_get_cell_version (from, i),
                                           collet_matrix_row_get_cell (from, i));
  return changed;
}

/* Takes both. If the same modules are on the same nodes the rows stay as objects,
 * so that a view neither loses its selection nor its place. */
static void
set_rows (ColletMatrix *self, char **nodes, GPtrArray *rows)
{
  g_autoptr (GPtrArray) new = rows;
  gboolean other_nodes = set_nodes (self, nodes);

  g_ptr_array_sort (new, compare);
  if (!other_nodes && have_same_modules (self->rows, new))
    {
      guint n_nodes = collet_matrix_get_n_nodes (self);
      for (guint i = 0; i < new->len; i++)
        if (copy_row (self->rows->pdata[i], new->pdata[i], n_nodes))
          mark (self, self->rows->pdata[i]);
      return;
    }

  g_autoptr (GPtrArray) old = self->rows;
  self->rows = g_steal_pointer (&new);
  g_hash_table_remove_all (self->by_name);
  g_hash_table_remove_all (self->dirty);
  for (guint i = 0; i < self->rows->len; i++)
    g_hash_table_insert (self->by_name, (gpointer)collet_matrix_row_get_module (self->rows->pdata[i]),
                         self->rows->pdata[i]);
  if (other_nodes)
    g_signal_emit (self, nodes_changed, 0);
  g_list_model_items_changed (G_LIST_MODEL (self), 0, old->len, self->rows->len);
  collet_matrix_flush (self);
}

static gboolean
refuse (GError **error, const char *module, const char *what)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
               "The daemon's matrix does not fit together: the row of \"%s\" %s", module, what);
  return FALSE;
}

static ColletMatrixRow *
read_row (GVariant *value, char **versions, guint n_nodes, GError **error)
{
  guint n_versions = g_strv_length (versions);
  g_autoptr (GVariant) cells = NULL;
  const char *module;
  guint32 agreed;
  guint64 epoch;

  g_variant_get (value, "(&sut@a(uy))", &module, &agreed, &epoch, &cells);
  if (agreed >= n_versions)
    return refuse (error, module, "names a version that is not in it"), NULL;
  if (g_variant_n_children (cells) != n_nodes)
    return refuse (error, module, "has not as many cells as there are nodes"), NULL;

  g_autoptr (ColletMatrixRow) row = collet_matrix_row_new (module, n_nodes);
  collet_matrix_row_set_agreed (row, versions[agreed], epoch);
  for (guint i = 0; i < n_nodes; i++)
    {
      guint32 version;
      guint8 state;

      g_variant_get_child (cells, i, "(uy)", &version, &state);
      if (version >= n_versions)
        return refuse (error, module, "names a version that is not in it"), NULL;
      collet_matrix_row_set_cell (row, i, versions[version], state);
    }
  return g_steal_pointer (&row);
}

gboolean
collet_matrix_load (ColletMatrix *self, GVariant *reply, GError **error)
{
  g_auto (GStrv) nodes = NULL;
  g_auto (GStrv) versions = NULL;
  g_autoptr (GVariant) values = NULL;
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (g_object_unref);
  guint64 serial;

  if (!g_variant_is_of_type (reply, MATRIX_TYPE))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "The daemon's matrix is of the type %s, not %s", g_variant_get_type_string (reply),
                   (const char *)MATRIX_TYPE);
      return FALSE;
    }
  g_variant_get (reply, "(t^as^as@a(suta(uy)))", &serial, &nodes, &versions, &values);
  for (gsize i = 0; i < g_variant_n_children (values); i++)
    {
      g_autoptr (GVariant) value = g_variant_get_child_value (values, i);
      ColletMatrixRow *row = read_row (value, versions, g_strv_length (nodes), error);

      if (row == NULL)
        return FALSE;
      g_ptr_array_add (rows, row);
    }
  self->serial = serial;
  set_rows (self, g_steal_pointer (&nodes), g_steal_pointer (&rows));
  return TRUE;
}

void
collet_matrix_load_alone (ColletMatrix *self, const char *node, ColletItemList *modules)
{
  GListModel *model = G_LIST_MODEL (modules);
  const char *nodes[] = { node, NULL };
  GPtrArray *rows = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (ColletItem) module = g_list_model_get_item (model, i);
      const char *version = collet_item_get_string (module, "Version");
      gboolean is_broken = g_str_equal (collet_item_get_string (module, "State"), "broken");
      ColletMatrixRow *row = collet_matrix_row_new (collet_item_get_string (module, "Name"), 1);

      collet_matrix_row_set_agreed (row, version, (guint64)collet_item_get_int (module, "Epoch"));
      collet_matrix_row_set_cell (row, 0, version, is_broken ? COLLET_CELL_FAILED : COLLET_CELL_IN_LINE);
      g_ptr_array_add (rows, row);
    }
  self->serial = 0;
  set_rows (self, g_strdupv ((char **)nodes), rows);
}

/* Both, or neither: a matrix that is half of one moment is worse than an old one. */
static gboolean
knows_all (ColletMatrix *self, GVariant *deltas)
{
  GVariantIter iter;
  const char *module, *node;

  g_variant_iter_init (&iter, deltas);
  while (g_variant_iter_next (&iter, "(&s&s&sty)", &module, &node, NULL, NULL, NULL))
    if (!g_hash_table_contains (self->by_name, module) ||
        (*node != '\0' && !g_hash_table_contains (self->columns, node)))
      return FALSE;
  return TRUE;
}

gboolean
collet_matrix_apply (ColletMatrix *self, guint64 serial, GVariant *deltas)
{
  GVariantIter iter;
  const char *module, *node, *version;
  guint64 epoch;
  guint8 state;

  if (serial <= self->serial)
    return TRUE; /* older than what was fetched */
  if (serial != self->serial + 1 || !g_variant_is_of_type (deltas, DELTAS_TYPE) || !knows_all (self, deltas))
    return FALSE;

  self->serial = serial;
  g_variant_iter_init (&iter, deltas);
  while (g_variant_iter_next (&iter, "(&s&s&sty)", &module, &node, &version, &epoch, &state))
    {
      ColletMatrixRow *row = g_hash_table_lookup (self->by_name, module);
      guint column = GPOINTER_TO_UINT (g_hash_table_lookup (self->columns, node));
      gboolean changed = column == 0 ? collet_matrix_row_set_agreed (row, version, epoch)
                                     : collet_matrix_row_set_cell (row, column - 1, version, state);
      if (changed)
        mark (self, row);
    }
  return TRUE;
}

guint64
collet_matrix_get_serial (ColletMatrix *self)
{
  return self->serial;
}

guint
collet_matrix_get_n_nodes (ColletMatrix *self)
{
  return g_strv_length (self->nodes);
}

const char *const *
collet_matrix_get_nodes (ColletMatrix *self)
{
  return (const char *const *)self->nodes;
}

ColletMatrixRow *
collet_matrix_lookup (ColletMatrix *self, const char *module)
{
  return g_hash_table_lookup (self->by_name, module);
}

guint
collet_matrix_get_n_differing (ColletMatrix *self)
{
  guint n = 0;

  for (guint i = 0; i < self->rows->len; i++)
    n += collet_matrix_row_get_n_differing (self->rows->pdata[i]) > 0;
  return n;
}
