/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-detail-page.h"

#include <glib/gi18n.h>

#include "collet-rows.h"
#include "collet-text.h"

typedef struct
{
  ColletItem *item;
  GPtrArray *facts; /* rows, borrowed */
} ColletDetailPagePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (ColletDetailPage, collet_detail_page, COLLET_TYPE_PAGE)

static ColletDetailPagePrivate *
get_private (ColletDetailPage *self)
{
  return collet_detail_page_get_instance_private (self);
}

static void
update (ColletDetailPage *self)
{
  COLLET_DETAIL_PAGE_GET_CLASS (self)->update (self, get_private (self)->item);
}

static void
follow (ColletDetailPage *self, ColletItem *item)
{
  ColletDetailPagePrivate *priv = get_private (self);

  if (priv->item == item)
    return;
  if (priv->item != NULL)
    g_signal_handlers_disconnect_by_func (priv->item, update, self);
  g_set_object (&priv->item, item);
  if (item != NULL)
    g_signal_connect_object (item, "notify::revision", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
}

static void
find (ColletDetailPage *self)
{
  ColletDetailPageClass *klass = COLLET_DETAIL_PAGE_GET_CLASS (self);
  ColletService *service = collet_page_get_service (COLLET_PAGE (self));
  const char *key = collet_page_get_key (COLLET_PAGE (self));

  if (key == NULL)
    return;
  ColletItem *item = collet_item_list_lookup (collet_service_get_list (service, klass->list), key);
  if (item != NULL || !klass->keeps_item)
    follow (self, item);
  update (self);
}

ColletItem *
collet_detail_page_get_item (ColletDetailPage *self)
{
  return get_private (self)->item;
}

void
collet_detail_page_set_item (ColletDetailPage *self, ColletItem *item)
{
  follow (self, item);
  update (self);
}

gboolean
collet_detail_page_fill (gpointer self, AdwPreferencesGroup **group, GAsyncResult *result,
                         GtkWidget *(*make) (gpointer self, ColletItem *row))
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = collet_service_call_finish_rows (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return FALSE;
  collet_group_clear (*group);
  if (rows == NULL)
    {
      g_autofree char *text = collet_text_dup_error_advice (error);
      collet_group_add (*group, collet_row_new_problem (_ ("It could not be read"), text));
    }
  for (guint i = 0; rows != NULL && i < rows->len; i++)
    collet_group_add (*group, make (self, rows->pdata[i]));
  gtk_widget_set_visible (GTK_WIDGET (*group), rows == NULL || rows->len > 0);
  return TRUE;
}

/* ---- facts ---- */

void
collet_detail_page_add_facts (ColletDetailPage *self, AdwPreferencesGroup *group, const char *const *names,
                              guint n_names)
{
  for (guint i = 0; i < n_names; i++)
    {
      GtkWidget *row = collet_fact_new (_ (names[i]));

      adw_preferences_group_add (group, row);
      g_ptr_array_add (get_private (self)->facts, row);
    }
}

void
collet_detail_page_set_fact (ColletDetailPage *self, guint fact, const char *value)
{
  collet_fact_set (get_private (self)->facts->pdata[fact], value);
}

void
collet_detail_page_take_fact (ColletDetailPage *self, guint fact, char *value)
{
  collet_detail_page_set_fact (self, fact, value);
  g_free (value);
}

void
collet_detail_page_set_number (ColletDetailPage *self, guint fact, const char *name)
{
  collet_detail_page_take_fact (self, fact,
                                g_strdup_printf ("%" G_GINT64_FORMAT,
                                                 collet_item_get_int (get_private (self)->item, name)));
}

/* ---- the page ---- */

static void
collet_detail_page_set_service (ColletPage *page, ColletService *service)
{
  ColletItemList *list = collet_service_get_list (service, COLLET_DETAIL_PAGE_GET_CLASS (page)->list);

  g_signal_connect_object (list, "items-changed", G_CALLBACK (find), page, G_CONNECT_SWAPPED);
}

static void
collet_detail_page_set_key (ColletPage *page, const char *key)
{
  follow (COLLET_DETAIL_PAGE (page), NULL);
  collet_page_set_title (page, key, "");
}

static void
collet_detail_page_refresh (ColletPage *page)
{
  find (COLLET_DETAIL_PAGE (page));
}

static void
collet_detail_page_dispose (GObject *object)
{
  ColletDetailPage *self = COLLET_DETAIL_PAGE (object);

  follow (self, NULL);
  g_clear_pointer (&get_private (self)->facts, g_ptr_array_unref);
  G_OBJECT_CLASS (collet_detail_page_parent_class)->dispose (object);
}

static void
collet_detail_page_class_init (ColletDetailPageClass *klass)
{
  ColletPageClass *page_class = COLLET_PAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = collet_detail_page_dispose;
  page_class->set_service = collet_detail_page_set_service;
  page_class->set_key = collet_detail_page_set_key;
  page_class->refresh = collet_detail_page_refresh;
}

static void
collet_detail_page_init (ColletDetailPage *self)
{
  get_private (self)->facts = g_ptr_array_new ();
}
