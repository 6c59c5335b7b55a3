/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-status.h"

#define WHOLE_CHARS 10

static const struct
{
  const char *icon, *style;
} looks[] = {
  [COLLET_STATUS_NEUTRAL] = { NULL, NULL },
  [COLLET_STATUS_OK] = { "collet-ok-symbolic", NULL },
  [COLLET_STATUS_BUSY] = { "collet-busy-symbolic", "accent" },
  [COLLET_STATUS_ATTENTION] = { "collet-attention-symbolic", "warning" },
  [COLLET_STATUS_BROKEN] = { "collet-broken-symbolic", "error" },
  [COLLET_STATUS_OFFLINE] = { "collet-offline-symbolic", "error" },
  [COLLET_STATUS_UNKNOWN] = { "collet-unknown-symbolic", "warning" },
  [COLLET_STATUS_ABSENT] = { "collet-absent-symbolic", "dim-label" },
};
G_STATIC_ASSERT (G_N_ELEMENTS (looks) == COLLET_N_STATUSES);

struct _ColletStatus
{
  GtkWidget parent_instance;
  GtkWidget *icon, *label;
  const char *shown, *style; /* of the table */
};

G_DEFINE_FINAL_TYPE (ColletStatus, collet_status, GTK_TYPE_WIDGET)

static void
collet_status_dispose (GObject *object)
{
  ColletStatus *self = COLLET_STATUS (object);

  g_clear_pointer (&self->icon, gtk_widget_unparent);
  g_clear_pointer (&self->label, gtk_widget_unparent);
  G_OBJECT_CLASS (collet_status_parent_class)->dispose (object);
}

static void
collet_status_class_init (ColletStatusClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = collet_status_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "status");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
collet_status_init (ColletStatus *self)
{
  GtkLayoutManager *layout = gtk_widget_get_layout_manager (GTK_WIDGET (self));

  gtk_box_layout_set_spacing (GTK_BOX_LAYOUT (layout), 6);
  self->icon = g_object_new (GTK_TYPE_IMAGE, "visible", FALSE, "accessible-role",
                             GTK_ACCESSIBLE_ROLE_PRESENTATION, NULL);
  self->label = g_object_new (GTK_TYPE_LABEL, "xalign", 0.0, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
  gtk_widget_set_parent (self->icon, GTK_WIDGET (self));
  gtk_widget_set_parent (self->label, GTK_WIDGET (self));
}

const char *
collet_status_get_icon (ColletStatusKind kind)
{
  return looks[kind].icon;
}

const char *
collet_status_get_style (ColletStatusKind kind)
{
  return looks[kind].style;
}

GtkWidget *
collet_status_new (void)
{
  return g_object_new (COLLET_TYPE_STATUS, NULL);
}

void
collet_status_set (ColletStatus *self, ColletStatusKind kind, const char *word)
{
  if (self->shown != looks[kind].icon)
    {
      self->shown = looks[kind].icon;
      gtk_widget_set_visible (self->icon, self->shown != NULL);
      gtk_image_set_from_icon_name (GTK_IMAGE (self->icon), self->shown);
    }
  gtk_label_set_label (GTK_LABEL (self->label), word);
  /* A short word is never cut off; where it is narrow, something scrolls or wraps. */
  gtk_label_set_width_chars (GTK_LABEL (self->label), (int)MIN (g_utf8_strlen (word, -1), WHOLE_CHARS));
  if (self->style == looks[kind].style)
    return;
  if (self->style != NULL)
    gtk_widget_remove_css_class (GTK_WIDGET (self), self->style);
  self->style = looks[kind].style;
  if (self->style != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self), self->style);
}
