/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-page.h"

typedef struct
{
  ColletService *service;
  char *key, *title, *subtitle;
  GCancellable *cancellable;
} ColletPagePrivate;

enum
{
  PROP_TITLE = 1,
  PROP_SUBTITLE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (ColletPage, collet_page, ADW_TYPE_BIN)

static ColletPagePrivate *
get_private (ColletPage *self)
{
  return collet_page_get_instance_private (self);
}

static void
collet_page_dispose (GObject *object)
{
  ColletPagePrivate *priv = get_private (COLLET_PAGE (object));

  g_cancellable_cancel (priv->cancellable);
  g_clear_object (&priv->cancellable);
  g_clear_object (&priv->service);
  G_OBJECT_CLASS (collet_page_parent_class)->dispose (object);
}

static void
collet_page_finalize (GObject *object)
{
  ColletPagePrivate *priv = get_private (COLLET_PAGE (object));

  g_free (priv->key);
  g_free (priv->title);
  g_free (priv->subtitle);
  G_OBJECT_CLASS (collet_page_parent_class)->finalize (object);
}

static void
collet_page_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ColletPagePrivate *priv = get_private (COLLET_PAGE (object));

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, priv->title);
      break;
    case PROP_SUBTITLE:
      g_value_set_string (value, priv->subtitle);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
collet_page_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ColletPage *self = COLLET_PAGE (object);
  ColletPagePrivate *priv = get_private (self);

  if (id == PROP_TITLE)
    collet_page_set_title (self, g_value_get_string (value), priv->subtitle);
  else
    collet_page_set_title (self, priv->title, g_value_get_string (value));
}

static void
collet_page_class_init (ColletPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->dispose = collet_page_dispose;
  object_class->finalize = collet_page_finalize;
  object_class->get_property = collet_page_get_property;
  object_class->set_property = collet_page_set_property;
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", flags);
  properties[PROP_SUBTITLE] = g_param_spec_string ("subtitle", NULL, NULL, "", flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
collet_page_init (ColletPage *self)
{
  ColletPagePrivate *priv = get_private (self);

  priv->cancellable = g_cancellable_new ();
  priv->title = g_strdup ("");
  priv->subtitle = g_strdup ("");
}

void
collet_page_set_title (ColletPage *self, const char *title, const char *subtitle)
{
  ColletPagePrivate *priv = get_private (self);

  if (g_strcmp0 (title, priv->title) != 0)
    {
      g_free (priv->title);
      priv->title = g_strdup (title != NULL ? title : "");
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TITLE]);
    }
  if (g_strcmp0 (subtitle, priv->subtitle) != 0)
    {
      g_free (priv->subtitle);
      priv->subtitle = g_strdup (subtitle != NULL ? subtitle : "");
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SUBTITLE]);
    }
}

const char *
collet_page_get_title (ColletPage *self)
{
  return get_private (self)->title;
}

const char *
collet_page_get_subtitle (ColletPage *self)
{
  return get_private (self)->subtitle;
}

void
collet_page_set_service (ColletPage *self, ColletService *service)
{
  ColletPagePrivate *priv = get_private (self);

  g_return_if_fail (priv->service == NULL);
  priv->service = g_object_ref (service);
  COLLET_PAGE_GET_CLASS (self)->set_service (self, service);
}

ColletService *
collet_page_get_service (ColletPage *self)
{
  return get_private (self)->service;
}

void
collet_page_set_key (ColletPage *self, const char *key)
{
  ColletPagePrivate *priv = get_private (self);

  if (g_strcmp0 (priv->key, key) != 0)
    {
      g_cancellable_cancel (priv->cancellable);
      g_object_unref (priv->cancellable);
      priv->cancellable = g_cancellable_new ();
      g_free (priv->key);
      priv->key = g_strdup (key);
    }
  if (COLLET_PAGE_GET_CLASS (self)->set_key != NULL)
    COLLET_PAGE_GET_CLASS (self)->set_key (self, key);
  collet_page_refresh (self);
}

const char *
collet_page_get_key (ColletPage *self)
{
  return get_private (self)->key;
}

void
collet_page_refresh (ColletPage *self)
{
  if (COLLET_PAGE_GET_CLASS (self)->refresh != NULL)
    COLLET_PAGE_GET_CLASS (self)->refresh (self);
}

GtkWidget *
collet_page_get_search (ColletPage *self)
{
  ColletPageClass *klass = COLLET_PAGE_GET_CLASS (self);

  return klass->get_search != NULL ? klass->get_search (self) : NULL;
}

GCancellable *
collet_page_get_cancellable (ColletPage *self)
{
  return get_private (self)->cancellable;
}
