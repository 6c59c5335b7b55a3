/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-item.h"

struct _ColletItem
{
  GObject parent_instance;
  char *key;
  GHashTable *values; /* interned name → GVariant */
  guint revision;
};

enum
{
  PROP_KEY = 1,
  PROP_REVISION,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (ColletItem, collet_item, G_TYPE_OBJECT)

static void
collet_item_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ColletItem *self = COLLET_ITEM (object);

  switch (id)
    {
    case PROP_KEY:
      g_value_set_string (value, self->key);
      break;
    case PROP_REVISION:
      g_value_set_uint (value, self->revision);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
collet_item_finalize (GObject *object)
{
  ColletItem *self = COLLET_ITEM (object);

  g_free (self->key);
  g_hash_table_unref (self->values);
  G_OBJECT_CLASS (collet_item_parent_class)->finalize (object);
}

static void
collet_item_class_init (ColletItemClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = collet_item_get_property;
  object_class->finalize = collet_item_finalize;
  properties[PROP_KEY] =
      g_param_spec_string ("key", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_REVISION] =
      g_param_spec_uint ("revision", NULL, NULL, 0, G_MAXUINT, 0,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
collet_item_init (ColletItem *self)
{
  self->values = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_variant_unref);
}

ColletItem *
collet_item_new (const char *key, GVariant *values)
{
  ColletItem *self = g_object_new (COLLET_TYPE_ITEM, NULL);

  self->key = g_strdup (key);
  if (values != NULL)
    collet_item_merge (self, values);
  return self;
}

const char *
collet_item_get_key (ColletItem *self)
{
  return self->key;
}

gboolean
collet_item_has (ColletItem *self, const char *name)
{
  return g_hash_table_contains (self->values, name);
}

const char *
collet_item_get_string (ColletItem *self, const char *name)
{
  GVariant *value = g_hash_table_lookup (self->values, name);

  if (value == NULL || !(g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) ||
                         g_variant_is_of_type (value, G_VARIANT_TYPE_OBJECT_PATH)))
    return "";
  return g_variant_get_string (value, NULL);
}

static gint64
to_int (GVariant *value)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BYTE:
      return g_variant_get_byte (value);
    case G_VARIANT_CLASS_INT32:
      return g_variant_get_int32 (value);
    case G_VARIANT_CLASS_UINT32:
      return g_variant_get_uint32 (value);
    case G_VARIANT_CLASS_INT64:
      return g_variant_get_int64 (value);
    case G_VARIANT_CLASS_UINT64:
      return (gint64)MIN (g_variant_get_uint64 (value), (guint64)G_MAXINT64);
    case G_VARIANT_CLASS_BOOLEAN:
    case G_VARIANT_CLASS_INT16:
    case G_VARIANT_CLASS_UINT16:
    case G_VARIANT_CLASS_HANDLE:
    case G_VARIANT_CLASS_DOUBLE:
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
    case G_VARIANT_CLASS_VARIANT:
    case G_VARIANT_CLASS_MAYBE:
    case G_VARIANT_CLASS_ARRAY:
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
    default:
      return 0;
    }
}

gint64
collet_item_get_int (ColletItem *self, const char *name)
{
  GVariant *value = g_hash_table_lookup (self->values, name);

  return value != NULL ? to_int (value) : 0;
}

gboolean
collet_item_get_bool (ColletItem *self, const char *name)
{
  GVariant *value = g_hash_table_lookup (self->values, name);

  return value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN) &&
         g_variant_get_boolean (value);
}

double
collet_item_get_double (ColletItem *self, const char *name)
{
  GVariant *value = g_hash_table_lookup (self->values, name);

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    return 0;
  return g_variant_get_double (value);
}

char **
collet_item_dup_strv (ColletItem *self, const char *name)
{
  GVariant *value = g_hash_table_lookup (self->values, name);

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    return g_new0 (char *, 1);
  return g_variant_dup_strv (value, NULL);
}

gint64
collet_item_get_count (ColletItem *self, const char *name, const char *member)
{
  GVariant *value = g_hash_table_lookup (self->values, name);
  guint64 count = 0;

  if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE ("a{st}")))
    g_variant_lookup (value, member, "t", &count);
  return (gint64)MIN (count, (guint64)G_MAXINT64);
}

GPtrArray *
collet_item_new_rows (GVariant *rows)
{
  GPtrArray *items = g_ptr_array_new_with_free_func (g_object_unref);

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      g_ptr_array_add (items, collet_item_new ("", row));
    }
  return items;
}

GPtrArray *
collet_item_dup_rows (ColletItem *self, const char *name)
{
  GVariant *value = g_hash_table_lookup (self->values, name);

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE ("aa{sv}")))
    return g_ptr_array_new_with_free_func (g_object_unref);
  return collet_item_new_rows (value);
}

GVariant *
collet_item_ref_values (ColletItem *self)
{
  GVariantBuilder builder;
  GHashTableIter iter;
  gpointer name, value;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_hash_table_iter_init (&iter, self->values);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_variant_builder_add (&builder, "{sv}", name, value);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

gboolean
collet_item_merge (ColletItem *self, GVariant *values)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (values);
  GVariantIter iter;
  const char *name;
  GVariant *value;
  gboolean changed = FALSE;

  g_return_val_if_fail (g_variant_is_of_type (owned, G_VARIANT_TYPE_VARDICT), FALSE);
  g_variant_iter_init (&iter, owned);
  while (g_variant_iter_next (&iter, "{&sv}", &name, &value))
    {
      GVariant *old = g_hash_table_lookup (self->values, name);

      if (old != NULL && g_variant_equal (old, value))
        {
          g_variant_unref (value);
          continue;
        }
      g_hash_table_replace (self->values, (gpointer)g_intern_string (name), value);
      changed = TRUE;
    }
  return changed;
}

void
collet_item_announce (ColletItem *self)
{
  self->revision++;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REVISION]);
}

guint
collet_item_get_revision (ColletItem *self)
{
  return self->revision;
}
