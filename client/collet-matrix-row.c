/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-matrix-row.h"

typedef struct
{
  GRefString *version; /* interned: there are few, in many cells */
  guint8 cell;
} Cell;

struct _ColletMatrixRow
{
  GObject parent_instance;
  char *module;
  GRefString *version; /* interned */
  guint64 epoch;
  guint n_cells;
  Cell *cells;
  guint counts[COLLET_N_CELLS];
  guint revision;
};

enum
{
  PROP_REVISION = 1,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (ColletMatrixRow, collet_matrix_row, G_TYPE_OBJECT)

static void
collet_matrix_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_REVISION)
    g_value_set_uint (value, COLLET_MATRIX_ROW (object)->revision);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
collet_matrix_row_finalize (GObject *object)
{
  ColletMatrixRow *self = COLLET_MATRIX_ROW (object);

  for (guint i = 0; i < self->n_cells; i++)
    g_ref_string_release (self->cells[i].version);
  g_ref_string_release (self->version);
  g_free (self->module);
  g_free (self->cells);
  G_OBJECT_CLASS (collet_matrix_row_parent_class)->finalize (object);
}

static void
collet_matrix_row_class_init (ColletMatrixRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = collet_matrix_row_get_property;
  object_class->finalize = collet_matrix_row_finalize;
  properties[PROP_REVISION] =
      g_param_spec_uint ("revision", NULL, NULL, 0, G_MAXUINT, 0,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
collet_matrix_row_init (ColletMatrixRow *self)
{
  self->version = g_ref_string_new_intern ("");
}

ColletMatrixRow *
collet_matrix_row_new (const char *module, guint n_nodes)
{
  ColletMatrixRow *self = g_object_new (COLLET_TYPE_MATRIX_ROW, NULL);

  self->module = g_strdup (module);
  self->n_cells = n_nodes;
  self->cells = g_new0 (Cell, n_nodes);
  for (guint i = 0; i < n_nodes; i++)
    self->cells[i].version = g_ref_string_acquire (self->version);
  self->counts[COLLET_CELL_ABSENT] = n_nodes;
  return self;
}

/* Whether it is another one. Interned, so equal ones are the same. */
static gboolean
set_version (GRefString **place, const char *version)
{
  GRefString *old = *place;

  *place = g_ref_string_new_intern (version);
  g_ref_string_release (old);
  return *place != old;
}

gboolean
collet_matrix_row_set_agreed (ColletMatrixRow *self, const char *version, guint64 epoch)
{
  gboolean changed = set_version (&self->version, version) || self->epoch != epoch;

  self->epoch = epoch;
  return changed;
}

gboolean
collet_matrix_row_set_cell (ColletMatrixRow *self, guint node, const char *version, ColletCell cell)
{
  Cell *place = &self->cells[node];
  gboolean changed;

  g_return_val_if_fail (node < self->n_cells, FALSE);
  /* A state of a newer daemon. */
  if ((guint)cell >= COLLET_N_CELLS)
    cell = COLLET_CELL_UNKNOWN;
  changed = set_version (&place->version, version) || place->cell != cell;
  self->counts[place->cell]--;
  self->counts[cell]++;
  place->cell = (guint8)cell;
  return changed;
}

void
collet_matrix_row_announce (ColletMatrixRow *self)
{
  self->revision++;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REVISION]);
}

const char *
collet_matrix_row_get_module (ColletMatrixRow *self)
{
  return self->module;
}

const char *
collet_matrix_row_get_version (ColletMatrixRow *self)
{
  return self->version;
}

guint64
collet_matrix_row_get_epoch (ColletMatrixRow *self)
{
  return self->epoch;
}

ColletCell
collet_matrix_row_get_cell (ColletMatrixRow *self, guint node)
{
  return node < self->n_cells ? self->cells[node].cell : COLLET_CELL_UNKNOWN;
}

const char *
collet_matrix_row_get_cell_version (ColletMatrixRow *self, guint node)
{
  return node < self->n_cells ? self->cells[node].version : "";
}

guint
collet_matrix_row_count (ColletMatrixRow *self, ColletCell cell)
{
  return self->counts[cell];
}

guint
collet_matrix_row_get_n_differing (ColletMatrixRow *self)
{
  return self->n_cells - self->counts[COLLET_CELL_IN_LINE];
}
