/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-state-bin.h"

#include <glib/gi18n.h>

#include "collet-error-remedy.h"
#include "collet-error.h"
#include "collet-text.h"

struct _ColletStateBin
{
  GtkWidget parent_instance;
  GtkWidget *stack, *page, *child;
  GtkWidget *details, *copy;
  ColletService *service;
  GListModel *all, *shown;
  GError *error;
  gboolean is_asking;
  char *empty_icon, *empty_title, *empty_description;
};

enum
{
  PROP_CHILD = 1,
  PROP_EMPTY_ICON,
  PROP_EMPTY_TITLE,
  PROP_EMPTY_DESCRIPTION,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];
static void buildable_init (GtkBuildableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ColletStateBin, collet_state_bin, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (GTK_TYPE_BUILDABLE, buildable_init))

static void update (ColletStateBin *self);

static void
set_child (ColletStateBin *self, GtkWidget *child)
{
  if (self->child != NULL)
    gtk_stack_remove (GTK_STACK (self->stack), self->child);
  self->child = child;
  if (child != NULL)
    gtk_stack_add_named (GTK_STACK (self->stack), child, "child");
}

static GtkBuildableIface *parent_buildable;

static void
add_child (GtkBuildable *buildable, GtkBuilder *builder, GObject *child, const char *type)
{
  if (GTK_IS_WIDGET (child))
    set_child (COLLET_STATE_BIN (buildable), GTK_WIDGET (child));
  else
    parent_buildable->add_child (buildable, builder, child, type);
}

static void
buildable_init (GtkBuildableIface *iface)
{
  parent_buildable = g_type_interface_peek_parent (iface);
  iface->add_child = add_child;
}

static void
collet_state_bin_dispose (GObject *object)
{
  ColletStateBin *self = COLLET_STATE_BIN (object);

  g_clear_pointer (&self->stack, gtk_widget_unparent);
  g_clear_object (&self->service);
  g_clear_object (&self->all);
  g_clear_object (&self->shown);
  G_OBJECT_CLASS (collet_state_bin_parent_class)->dispose (object);
}

static void
collet_state_bin_finalize (GObject *object)
{
  ColletStateBin *self = COLLET_STATE_BIN (object);

  g_clear_error (&self->error);
  g_free (self->empty_icon);
  g_free (self->empty_title);
  g_free (self->empty_description);
  G_OBJECT_CLASS (collet_state_bin_parent_class)->finalize (object);
}

static void
collet_state_bin_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ColletStateBin *self = COLLET_STATE_BIN (object);
  char **text = id == PROP_EMPTY_ICON    ? &self->empty_icon
                : id == PROP_EMPTY_TITLE ? &self->empty_title
                                         : &self->empty_description;

  if (id == PROP_CHILD)
    {
      set_child (self, g_value_get_object (value));
      return;
    }
  g_free (*text);
  *text = g_value_dup_string (value);
}

static void
collet_state_bin_class_init (ColletStateBinClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS;

  object_class->dispose = collet_state_bin_dispose;
  object_class->finalize = collet_state_bin_finalize;
  object_class->set_property = collet_state_bin_set_property;
  properties[PROP_CHILD] = g_param_spec_object ("child", NULL, NULL, GTK_TYPE_WIDGET, flags);
  properties[PROP_EMPTY_ICON] = g_param_spec_string ("empty-icon", NULL, NULL, NULL, flags);
  properties[PROP_EMPTY_TITLE] = g_param_spec_string ("empty-title", NULL, NULL, NULL, flags);
  properties[PROP_EMPTY_DESCRIPTION] = g_param_spec_string ("empty-description", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
}

static void
on_copy (GtkButton *button, gpointer user_data)
{
  ColletStateBin *self = user_data;
  const char *text = gtk_label_get_label (GTK_LABEL (self->details));

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
}

static void
collet_state_bin_init (ColletStateBin *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  self->details = g_object_new (GTK_TYPE_LABEL, "wrap", TRUE, "selectable", TRUE, "wrap-mode",
                                PANGO_WRAP_WORD_CHAR, "justify", GTK_JUSTIFY_CENTER, NULL);
  gtk_widget_add_css_class (self->details, "monospace");
  self->copy = gtk_button_new_with_label (_ ("Copy Details"));
  gtk_widget_set_halign (self->copy, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (self->copy, "pill");
  g_signal_connect (self->copy, "clicked", G_CALLBACK (on_copy), self);
  gtk_box_append (GTK_BOX (box), self->details);
  gtk_box_append (GTK_BOX (box), self->copy);

  self->page = adw_status_page_new ();
  adw_status_page_set_child (ADW_STATUS_PAGE (self->page), box);
  self->stack = g_object_new (GTK_TYPE_STACK, "vhomogeneous", FALSE, "hhomogeneous", FALSE, NULL);
  gtk_stack_add_named (GTK_STACK (self->stack), self->page, "page");
  gtk_widget_set_parent (self->stack, GTK_WIDGET (self));
  gtk_widget_set_vexpand (GTK_WIDGET (self), TRUE);
  update (self);
}

/* What a stack only does not draw, a screen reader would still read. */
static void
show (ColletStateBin *self, GtkWidget *shown, GtkWidget *hidden)
{
  gtk_widget_set_visible (shown, TRUE);
  gtk_stack_set_visible_child (GTK_STACK (self->stack), shown);
  if (hidden != NULL)
    gtk_widget_set_visible (hidden, FALSE);
}

static void
say (ColletStateBin *self, const char *icon, const char *title, const char *description, const char *details)
{
  AdwStatusPage *page = ADW_STATUS_PAGE (self->page);
  g_autofree char *markup = g_markup_escape_text (description != NULL ? description : "", -1);

  adw_status_page_set_icon_name (page, icon);
  adw_status_page_set_title (page, title);
  adw_status_page_set_description (page, markup);
  gtk_label_set_label (GTK_LABEL (self->details), details != NULL ? details : "");
  gtk_widget_set_visible (self->details, details != NULL);
  gtk_widget_set_visible (self->copy, details != NULL);
  show (self, self->page, self->child);
}

static void
say_error (ColletStateBin *self, const char *title, const GError *error)
{
  g_autofree char *message = collet_text_dup_error (error);
  g_autofree char *details = g_strdup_printf ("%s: %s", collet_error_name_of (error), message);
  const char *remedy =
      error->domain == COLLET_ERROR ? _ (collet_error_remedy ((ColletError)error->code)) : NULL;

  say (self, "collet-broken-symbolic", title, remedy, details);
}

/* Whether the service alone says what is to be seen. */
static gboolean
say_service (ColletStateBin *self)
{
  const GError *error = collet_service_get_error (self->service);

  /* What was read stays to be seen; the bar above says how old it is. */
  if (collet_service_has_data (self->service))
    return FALSE;
  switch (collet_service_get_state (self->service))
    {
    case COLLET_SERVICE_CONNECTING:
      say (self, "collet-busy-symbolic", _ ("Connecting"), _ ("The daemon is asked what it has."), NULL);
      return TRUE;
    case COLLET_SERVICE_DOWN:
      say (self, "collet-offline-symbolic", _ ("No Daemon"),
           _ ("Start one with “colletd --session” or “systemctl start colletd”. It appears here by itself."),
           NULL);
      return TRUE;
    case COLLET_SERVICE_UNAUTHORISED:
      say_error (self, _ ("Not Allowed to Look"), error);
      return TRUE;
    case COLLET_SERVICE_OLDER:
      say_error (self, _ ("The Daemon Is Older than This App"), error);
      return TRUE;
    case COLLET_SERVICE_FAILED:
      say_error (self, _ ("The Daemon Could Not Be Read"), error);
      return TRUE;
    case COLLET_SERVICE_READY:
    default:
      return FALSE;
    }
}

static void
update (ColletStateBin *self)
{
  if (self->service == NULL)
    {
      say (self, "collet-busy-symbolic", _ ("Loading"), NULL, NULL);
      return;
    }
  if (say_service (self))
    return;
  if (self->error != NULL)
    say_error (self, _ ("This Could Not Be Read"), self->error);
  else if (self->is_asking && g_list_model_get_n_items (self->all) == 0)
    say (self, "collet-busy-symbolic", _ ("Loading"), NULL, NULL);
  else if (g_list_model_get_n_items (self->all) == 0)
    say (self, self->empty_icon, self->empty_title, self->empty_description, NULL);
  else if (g_list_model_get_n_items (self->shown) == 0)
    say (self, "edit-find-symbolic", _ ("No Match"), _ ("Nothing fits the search and the filter."), NULL);
  else
    show (self, self->child, self->page);
}

void
collet_state_bin_watch (ColletStateBin *self, ColletService *service, GListModel *all, GListModel *shown)
{
  g_return_if_fail (self->service == NULL);
  self->service = g_object_ref (service);
  self->all = g_object_ref (all);
  self->shown = g_object_ref (shown);
  g_signal_connect_object (service, "state-changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (all, "items-changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  if (shown != all)
    g_signal_connect_object (shown, "items-changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
}

void
collet_state_bin_set_asking (ColletStateBin *self)
{
  g_clear_error (&self->error);
  self->is_asking = TRUE;
  update (self);
}

void
collet_state_bin_set_error (ColletStateBin *self, const GError *error)
{
  g_clear_error (&self->error);
  self->error = g_error_copy (error);
  self->is_asking = FALSE;
  update (self);
}

void
collet_state_bin_set_read (ColletStateBin *self)
{
  g_clear_error (&self->error);
  self->is_asking = FALSE;
  update (self);
}
