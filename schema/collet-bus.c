/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bus.h"

#include "collet-error.h"

#include <string.h>

char *
collet_bus_dup_path (const char *folder, const char *name)
{
  g_return_val_if_fail (folder != NULL && name != NULL, NULL);

  g_autofree char *element = g_dbus_escape_object_path (name);
  return g_strconcat (folder, "/", element, NULL);
}

char *
collet_bus_dup_name (const char *folder, const char *path)
{
  g_return_val_if_fail (folder != NULL && path != NULL, NULL);

  gsize length = strlen (folder);
  if (strncmp (path, folder, length) != 0 || path[length] != '/' || path[length + 1] == '\0')
    return NULL;

  g_autofree guint8 *bytes = g_dbus_unescape_object_path (path + length + 1);
  if (bytes == NULL || !g_utf8_validate ((const char *)bytes, -1, NULL))
    return NULL;
  return (char *)g_steal_pointer (&bytes);
}

const char *
collet_bus_get_permission (const GDBusMethodInfo *method)
{
  g_return_val_if_fail (method != NULL, NULL);
  return g_dbus_annotation_info_lookup (method->annotations, "org.collet.Permission");
}

/* "name=type name=type": the type of `name`, not terminated, or NULL. */
static const char *
find_option (const char *allowed, const char *name, gsize *length)
{
  gsize name_length = strlen (name);

  for (const char *entry = allowed; *entry != '\0';)
    {
      gsize entry_length = strcspn (entry, " ");

      if (entry_length > name_length + 1 && strncmp (entry, name, name_length) == 0 &&
          entry[name_length] == '=')
        {
          *length = entry_length - name_length - 1;
          return entry + name_length + 1;
        }
      entry += entry_length + strspn (entry + entry_length, " ");
    }
  return NULL;
}

gboolean
collet_bus_check_options (const GDBusMethodInfo *method, GVariant *options, GError **error)
{
  g_return_val_if_fail (method != NULL, FALSE);
  g_return_val_if_fail (g_variant_is_of_type (options, G_VARIANT_TYPE_VARDICT), FALSE);

  const char *allowed = g_dbus_annotation_info_lookup (method->annotations, "org.collet.Options");
  if (allowed == NULL)
    allowed = "";

  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, options);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    {
      const char *found = g_variant_get_type_string (value);
      gsize length = 0;
      const char *type = find_option (allowed, name, &length);

      if (type != NULL && strlen (found) == length && strncmp (type, found, length) == 0)
        continue;
      if (type != NULL)
        g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                     "Option \"%s\" of %s has D-Bus type %s. Give it as %.*s.", name, method->name, found,
                     (int)length, type);
      else
        g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                     "%s takes no option \"%s\". It takes: %s.", method->name, name,
                     *allowed != '\0' ? allowed : "none");
      g_variant_unref (value);
      return FALSE;
    }
  return TRUE;
}
