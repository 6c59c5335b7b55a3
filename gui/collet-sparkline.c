/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-sparkline.h"

#define WIDTH 160
#define HEIGHT 32

struct _ColletSparkline
{
  GtkWidget parent_instance;
  double *values;
  guint n_values;
};

G_DEFINE_FINAL_TYPE (ColletSparkline, collet_sparkline, GTK_TYPE_WIDGET)

static void
collet_sparkline_finalize (GObject *object)
{
  g_free (COLLET_SPARKLINE (object)->values);
  G_OBJECT_CLASS (collet_sparkline_parent_class)->finalize (object);
}

static void
collet_sparkline_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                          int *natural, int *minimum_baseline, int *natural_baseline)
{
  *minimum = orientation == GTK_ORIENTATION_VERTICAL ? HEIGHT : WIDTH / 2;
  *natural = orientation == GTK_ORIENTATION_VERTICAL ? HEIGHT : WIDTH;
}

static void
collet_sparkline_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  ColletSparkline *self = COLLET_SPARKLINE (widget);
  double width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget), top = 0;
  GdkRGBA colour;

  if (self->n_values < 2)
    return;
  for (guint i = 0; i < self->n_values; i++)
    top = MAX (top, self->values[i]);
  gtk_style_context_get_color (gtk_widget_get_style_context (widget), &colour);
  cairo_t *cairo =
      gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, (float)width, (float)height));
  gdk_cairo_set_source_rgba (cairo, &colour);
  cairo_set_line_width (cairo, 1.5);
  for (guint i = 0; i < self->n_values; i++)
    cairo_line_to (cairo, 1 + (width - 2) * i / (self->n_values - 1),
                   height - 2 - (top > 0 ? self->values[i] / top : 0) * (height - 4));
  cairo_stroke (cairo);
  cairo_destroy (cairo);
}

static void
collet_sparkline_class_init (ColletSparklineClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = collet_sparkline_finalize;
  widget_class->measure = collet_sparkline_measure;
  widget_class->snapshot = collet_sparkline_snapshot;
  gtk_widget_class_set_css_name (widget_class, "sparkline");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
collet_sparkline_init (ColletSparkline *self)
{
  gtk_widget_set_valign (GTK_WIDGET (self), GTK_ALIGN_CENTER);
}

GtkWidget *
collet_sparkline_new (void)
{
  return g_object_new (COLLET_TYPE_SPARKLINE, NULL);
}

void
collet_sparkline_set (ColletSparkline *self, const double *values, guint n_values, const char *label)
{
  g_free (self->values);
  self->values = n_values > 0 ? g_memdup2 (values, n_values * sizeof *values) : NULL;
  self->n_values = n_values;
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), label);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}
