/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-strip.h"

#include <glib/gi18n.h>

#include "collet-text.h"

#define HEIGHT 22
#define THIN 6
#define CELL_MIN 3
#define CELL_NATURAL 9
/* Names in the summary; the rest is a number. */
#define NAMED 5

static const struct
{
  ColletStatusKind status;
  const char *word;
  const char *colour; /* NULL: the text's, faint */
  int height;
} looks[] = {
  [COLLET_CELL_ABSENT] = { COLLET_STATUS_ABSENT, N_ ("Not loaded"), NULL, 2 },
  [COLLET_CELL_IN_LINE] = { COLLET_STATUS_OK, N_ ("In line"), NULL, THIN },
  [COLLET_CELL_LAGGING] = { COLLET_STATUS_ATTENTION, N_ ("Other version"), "warning_bg_color", 16 },
  [COLLET_CELL_FAILED] = { COLLET_STATUS_BROKEN, N_ ("Failed"), "error_bg_color", HEIGHT },
  [COLLET_CELL_OVERRIDE] = { COLLET_STATUS_ATTENTION, N_ ("Override"), "warning_bg_color", 12 },
  [COLLET_CELL_PREPARING] = { COLLET_STATUS_BUSY, N_ ("Preparing"), "accent_bg_color", 10 },
  [COLLET_CELL_UNKNOWN] = { COLLET_STATUS_UNKNOWN, N_ ("Not reached"), "error_bg_color", 14 },
};
G_STATIC_ASSERT (G_N_ELEMENTS (looks) == COLLET_N_CELLS);

struct _ColletStrip
{
  GtkWidget parent_instance;
  ColletMatrix *matrix;
  ColletMatrixRow *row;
};

G_DEFINE_FINAL_TYPE (ColletStrip, collet_strip, GTK_TYPE_WIDGET)

ColletStatusKind
collet_cell_get_status (ColletCell cell)
{
  return looks[cell].status;
}

const char *
collet_cell_get_word (ColletCell cell)
{
  return _ (looks[cell].word);
}

static void
collet_strip_dispose (GObject *object)
{
  ColletStrip *self = COLLET_STRIP (object);

  g_clear_object (&self->matrix);
  g_clear_object (&self->row);
  G_OBJECT_CLASS (collet_strip_parent_class)->dispose (object);
}

static void
collet_strip_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                      int *minimum_baseline, int *natural_baseline)
{
  ColletStrip *self = COLLET_STRIP (widget);
  int n = self->matrix != NULL ? (int)collet_matrix_get_n_nodes (self->matrix) : 1;

  *minimum = orientation == GTK_ORIENTATION_VERTICAL ? HEIGHT : n * CELL_MIN;
  *natural = orientation == GTK_ORIENTATION_VERTICAL ? HEIGHT : n * CELL_NATURAL;
}

static GdkRGBA
get_colour (GtkWidget *widget, ColletCell cell)
{
  GtkStyleContext *context = gtk_widget_get_style_context (widget);
  GdkRGBA colour;

  if (looks[cell].colour != NULL && gtk_style_context_lookup_color (context, looks[cell].colour, &colour))
    return colour;
  gtk_style_context_get_color (context, &colour);
  colour.alpha *= 0.35f;
  return colour;
}

static void
collet_strip_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  ColletStrip *self = COLLET_STRIP (widget);
  guint n = self->matrix != NULL ? collet_matrix_get_n_nodes (self->matrix) : 0;
  float width = (float)gtk_widget_get_width (widget), height = (float)gtk_widget_get_height (widget);
  gboolean is_mirrored = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  GdkRGBA colours[COLLET_N_CELLS];

  if (n == 0)
    return;
  for (guint i = 0; i < COLLET_N_CELLS; i++)
    colours[i] = get_colour (widget, i);
  float step = width / (float)n, gap = step >= 5 ? 2 : 1;
  for (guint i = 0; i < n; i++)
    {
      ColletCell cell = collet_matrix_row_get_cell (self->row, i);
      float tall = MIN ((float)looks[cell].height, height);
      float x = step * (float)(is_mirrored ? n - 1 - i : i);

      gtk_snapshot_append_color (snapshot, &colours[cell],
                                 &GRAPHENE_RECT_INIT (x, (height - tall) / 2, MAX (step - gap, 1), tall));
    }
}

static gboolean
collet_strip_query_tooltip (GtkWidget *widget, int x, int y, gboolean by_keyboard, GtkTooltip *tooltip)
{
  ColletStrip *self = COLLET_STRIP (widget);
  guint n = self->matrix != NULL ? collet_matrix_get_n_nodes (self->matrix) : 0;
  int width = gtk_widget_get_width (widget);

  if (n == 0)
    return FALSE;
  if (by_keyboard || width <= 0)
    {
      g_autofree char *summary = collet_strip_dup_summary (self->matrix, self->row);
      gtk_tooltip_set_text (tooltip, summary);
      return TRUE;
    }
  if (gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL)
    x = width - 1 - x;
  guint node = (guint)CLAMP ((gint64)x * n / width, 0, n - 1);
  g_autofree char *version = collet_text_dup_version (collet_matrix_row_get_cell_version (self->row, node));
  /* Translators: a node, how a module is there, and its version */
  g_autofree char *text =
      g_strdup_printf (_ ("%s: %s, %s"), collet_matrix_get_nodes (self->matrix)[node],
                       collet_cell_get_word (collet_matrix_row_get_cell (self->row, node)), version);
  gtk_tooltip_set_text (tooltip, text);
  return TRUE;
}

static void
collet_strip_class_init (ColletStripClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = collet_strip_dispose;
  widget_class->measure = collet_strip_measure;
  widget_class->snapshot = collet_strip_snapshot;
  widget_class->query_tooltip = collet_strip_query_tooltip;
  gtk_widget_class_set_css_name (widget_class, "strip");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
collet_strip_init (ColletStrip *self)
{
  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);
  gtk_widget_set_hexpand (GTK_WIDGET (self), TRUE);
}

GtkWidget *
collet_strip_new (void)
{
  return g_object_new (COLLET_TYPE_STRIP, NULL);
}

/* "node-17, node-31", or some of them and how many others. */
static char *
dup_differing (ColletMatrix *matrix, ColletMatrixRow *row)
{
  guint n = collet_matrix_get_n_nodes (matrix), left = collet_matrix_row_get_n_differing (row), named = 0;
  const char *const *nodes = collet_matrix_get_nodes (matrix);
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < n && named < NAMED; i++)
    if (collet_matrix_row_get_cell (row, i) != COLLET_CELL_IN_LINE)
      g_string_append_printf (names, "%s%s", named++ > 0 ? ", " : "", nodes[i]);
  if (left == named)
    return g_string_free (g_steal_pointer (&names), FALSE);
  /* Translators: names of nodes, and how many others */
  return g_strdup_printf (ngettext ("%s and %u other", "%s and %u others", left - named), names->str,
                          left - named);
}

char *
collet_strip_dup_summary (ColletMatrix *matrix, ColletMatrixRow *row)
{
  guint n = collet_matrix_get_n_nodes (matrix), differing = collet_matrix_row_get_n_differing (row);
  g_autofree char *in_line =
      g_strdup_printf (ngettext ("%u of %u node in line", "%u of %u nodes in line", n), n - differing, n);

  if (differing == 0)
    return g_steal_pointer (&in_line);
  g_autofree char *names = dup_differing (matrix, row);
  /* Translators: "48 of 50 nodes in line", then the names of nodes */
  return g_strdup_printf (ngettext ("%s; %s differs", "%s; %s differ", differing), in_line, names);
}

void
collet_strip_set_row (ColletStrip *self, ColletMatrix *matrix, ColletMatrixRow *row)
{
  gboolean other_matrix = g_set_object (&self->matrix, matrix);
  g_autofree char *summary = collet_strip_dup_summary (matrix, row);

  g_set_object (&self->row, row);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, summary, -1);
  if (other_matrix)
    gtk_widget_queue_resize (GTK_WIDGET (self));
  gtk_widget_queue_draw (GTK_WIDGET (self));
}
