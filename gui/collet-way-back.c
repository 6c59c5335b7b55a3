/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-way-back.h"

#include <glib/gi18n.h>

#include "collet-text.h"

/* Reloads in which the one that came here is looked for, and lines of it that are shown. */
#define HISTORY_ROWS 50
#define MAX_LINES 6

struct _ColletWayBack
{
  AdwBin parent_instance;
  ColletService *service;
  char *module, *from, *to; /* versions; to: empty while it is not known */
  gboolean is_agreed;
  GCancellable *cancellable;
  GtkWidget *change, *lost;
};

G_DEFINE_FINAL_TYPE (ColletWayBack, collet_way_back, ADW_TYPE_BIN)

static char *
dup_name (GPtrArray *versions, const char *sha256)
{
  for (guint i = 0; i < versions->len; i++)
    if (g_str_equal (collet_item_get_string (versions->pdata[i], "Version"), sha256))
      return collet_text_dup_full_version (collet_item_get_string (versions->pdata[i], "SemanticVersion"),
                                           sha256);
  return collet_text_dup_version (sha256);
}

/* What the reload that came here brought to clients. */
static char **
dup_differences (ColletWayBack *self, GPtrArray *reloads)
{
  for (guint i = 0; i < reloads->len; i++)
    {
      g_autoptr (GPtrArray) items = collet_item_dup_rows (reloads->pdata[i], "Items");

      for (guint k = 0; k < items->len; k++)
        if (g_str_equal (collet_item_get_string (items->pdata[k], "module"), self->module) &&
            g_str_equal (collet_item_get_string (items->pdata[k], "from"), self->to) &&
            g_str_equal (collet_item_get_string (items->pdata[k], "to"), self->from))
          return collet_item_dup_strv (items->pdata[k], "differences");
    }
  return g_new0 (char *, 1);
}

static void
on_history (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) reloads = collet_service_call_finish_rows (result, &error);
  ColletWayBack *self = user_data;

  if (reloads == NULL) /* cancelled, or nothing to say */
    return;
  g_auto (GStrv) lines = dup_differences (self, reloads);
  if (lines[0] == NULL)
    return;
  g_autoptr (GString) text = g_string_new (_ ("Taken back from clients:"));
  for (guint i = 0; i < MAX_LINES && lines[i] != NULL; i++)
    g_string_append_printf (text, "\n• %s", lines[i]);
  if (g_strv_length (lines) > MAX_LINES)
    g_string_append (text, "\n…");
  gtk_label_set_label (GTK_LABEL (self->lost), text->str);
  gtk_widget_set_visible (self->lost, TRUE);
}

static void
on_versions (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) versions = collet_service_call_finish_rows (result, &error);
  ColletWayBack *self = user_data;

  if (versions == NULL)
    return;
  /* Which one the nodes agreed on before only they know. */
  for (guint i = 0; i < versions->len && *self->to == '\0' && !self->is_agreed; i++)
    if (collet_item_get_bool (versions->pdata[i], "Previous"))
      {
        g_free (self->to);
        self->to = g_strdup (collet_item_get_string (versions->pdata[i], "Version"));
      }
  g_autofree char *from = dup_name (versions, self->from);
  g_autofree char *to =
      *self->to != '\0' ? dup_name (versions, self->to) : g_strdup (_ ("the version before"));
  g_autofree char *change = collet_text_dup_change (from, to);
  gtk_label_set_label (GTK_LABEL (self->change), change);
  gtk_widget_set_visible (self->change, TRUE);
  if (*self->to != '\0')
    collet_service_call (self->service, "GetReloadHistory",
                         g_variant_new ("(sua{sv})", self->module, HISTORY_ROWS, NULL), 0, self->cancellable,
                         on_history, self);
}

static void
collet_way_back_dispose (GObject *object)
{
  ColletWayBack *self = COLLET_WAY_BACK (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->service);
  g_clear_pointer (&self->module, g_free);
  g_clear_pointer (&self->from, g_free);
  g_clear_pointer (&self->to, g_free);
  G_OBJECT_CLASS (collet_way_back_parent_class)->dispose (object);
}

static void
collet_way_back_class_init (ColletWayBackClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = collet_way_back_dispose;
}

static void
collet_way_back_init (ColletWayBack *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  self->cancellable = g_cancellable_new ();
  self->change =
      g_object_new (GTK_TYPE_LABEL, "wrap", TRUE, "justify", GTK_JUSTIFY_CENTER, "visible", FALSE, NULL);
  gtk_widget_add_css_class (self->change, "heading");
  self->lost = g_object_new (GTK_TYPE_LABEL, "wrap", TRUE, "xalign", 0.0, "visible", FALSE, NULL);
  gtk_box_append (GTK_BOX (box), self->change);
  gtk_box_append (GTK_BOX (box), self->lost);
  adw_bin_set_child (ADW_BIN (self), box);
}

static const char *
get_present (ColletWayBack *self)
{
  ColletItem *item =
      collet_item_list_lookup (collet_service_get_list (self->service, COLLET_LIST_MODULES), self->module);
  ColletMatrixRow *row = collet_matrix_lookup (collet_service_get_matrix (self->service), self->module);

  if (self->is_agreed && row != NULL)
    return collet_matrix_row_get_version (row);
  return item != NULL ? collet_item_get_string (item, "Version") : "";
}

GtkWidget *
collet_way_back_new (ColletService *service, const char *module, const char *version, gboolean is_agreed)
{
  ColletWayBack *self = g_object_new (COLLET_TYPE_WAY_BACK, NULL);

  self->service = g_object_ref (service);
  self->module = g_strdup (module);
  self->is_agreed = is_agreed;
  self->from = g_strdup (get_present (self));
  self->to = g_strdup (version);
  collet_service_call (service, "ListVersions", g_variant_new ("(s)", module), 0, self->cancellable,
                       on_versions, self);
  return GTK_WIDGET (self);
}
