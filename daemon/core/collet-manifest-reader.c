/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-manifest-private.h"

#include "collet-error.h"

static void
set_error (const ColletJson *json, ColletJsonNode node, GError **error, const char *reason)
{
  g_autofree char *pointer = collet_json_dup_pointer (json, 0, node);

  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MANIFEST, "%s: %s",
               *pointer != '\0' ? pointer : "the manifest", reason);
}

gboolean
collet_manifest_refuse (const ColletJson *json, ColletJsonNode node, GError **error, const char *format, ...)
{
  g_autofree char *shown = collet_json_dup_shown (json, node);
  g_autofree char *expected = NULL;
  g_autofree char *reason = NULL;
  va_list arguments;

  va_start (arguments, format);
  expected = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  reason = g_strdup_printf ("is %s (%s), must be %s", shown,
                            collet_json_type_name (collet_json_get_type (json, node)), expected);
  set_error (json, node, error, reason);
  return FALSE;
}

gboolean
collet_manifest_refuse_plain (const ColletJson *json, ColletJsonNode node, GError **error, const char *format,
                              ...)
{
  g_autofree char *reason = NULL;
  va_list arguments;

  va_start (arguments, format);
  reason = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  set_error (json, node, error, reason);
  return FALSE;
}

gboolean
collet_manifest_reader_init (ColletManifestReader *reader, const ColletJson *json, ColletJsonNode node,
                             GError **error)
{
  *reader = (ColletManifestReader){ .json = json, .object = node, .error = error };
  return collet_json_get_type (json, node) == COLLET_JSON_OBJECT ||
         collet_manifest_refuse (json, node, error, "an object");
}

static gboolean
is_taken (const ColletManifestReader *reader, ColletJsonNode member)
{
  for (guint i = 0; i < reader->n_taken; i++)
    if (reader->taken[i] == member)
      return TRUE;
  return FALSE;
}

gboolean
collet_manifest_reader_finish (ColletManifestReader *reader)
{
  const ColletJson *json = reader->json;

  for (ColletJsonNode member = collet_json_first (json, reader->object); member != 0;
       member = collet_json_next (json, member))
    {
      g_autofree char *name = NULL;
      if (is_taken (reader, member))
        continue;
      name = collet_json_dup_name (json, member);
      if (!g_str_has_prefix (name, "x-"))
        return collet_manifest_refuse_plain (json, member, reader->error,
                                             "is not known; a member of your own begins with \"x-\"");
    }
  return TRUE;
}

ColletJsonNode
collet_manifest_reader_take (ColletManifestReader *reader, const char *name)
{
  ColletJsonNode member = collet_json_member (reader->json, reader->object, name);

  if (member != 0)
    {
      g_assert (reader->n_taken < COLLET_MANIFEST_MAX_MEMBERS);
      reader->taken[reader->n_taken++] = member;
    }
  return member;
}

gboolean
collet_manifest_reader_take_boolean (ColletManifestReader *reader, const char *name, gboolean *value)
{
  ColletJsonNode member = collet_manifest_reader_take (reader, name);
  ColletJsonType type;

  if (member == 0)
    return TRUE;
  type = collet_json_get_type (reader->json, member);
  if (type != COLLET_JSON_TRUE && type != COLLET_JSON_FALSE)
    return collet_manifest_refuse (reader->json, member, reader->error, "true or false");
  *value = type == COLLET_JSON_TRUE;
  return TRUE;
}

gboolean
collet_manifest_reader_take_number (ColletManifestReader *reader, const char *name, guint32 minimum,
                                    guint32 maximum, guint32 *value)
{
  ColletJsonNode member = collet_manifest_reader_take (reader, name);
  gint64 number;

  if (member == 0)
    return TRUE;
  if (!collet_json_get_int64 (reader->json, member, &number) || number < minimum || number > maximum)
    return collet_manifest_refuse (reader->json, member, reader->error, "a whole number from %u to %u",
                                   minimum, maximum);
  *value = number;
  return TRUE;
}

gboolean
collet_manifest_reader_take_string (ColletManifestReader *reader, const char *name, guint max_length,
                                    char **value)
{
  ColletJsonNode member = collet_manifest_reader_take (reader, name);

  if (member == 0)
    return TRUE;
  if (collet_json_get_type (reader->json, member) != COLLET_JSON_STRING)
    return collet_manifest_refuse (reader->json, member, reader->error, "a string");
  if (collet_json_string_length (reader->json, member) > max_length)
    return collet_manifest_refuse (reader->json, member, reader->error, "at most %u characters long",
                                   max_length);
  *value = collet_json_dup_string (reader->json, member);
  return TRUE;
}

gboolean
collet_manifest_reader_require (ColletManifestReader *reader, const char *name, gconstpointer value)
{
  return value != NULL || collet_manifest_refuse_plain (reader->json, reader->object, reader->error,
                                                        "lacks \"%s\", which is required", name);
}
