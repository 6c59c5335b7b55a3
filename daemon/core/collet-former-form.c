/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-former-form.h"

#include <string.h>

#include "collet-error.h"
#include "collet-manifest-private.h"

#define MAX_NAMES 16
#define MAX_MEMBERS 256

struct _ColletFormerForm
{
  ColletJson *json; /* a copy of the member "former" */
  ColletJsonNode renames, defaults, values, drops;
  GStrv names;
};

void
collet_former_form_free (ColletFormerForm *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->json, collet_json_free);
  g_strfreev (self->names);
  g_free (self);
}

gboolean
collet_former_form_has_name (const ColletFormerForm *self, const char *name)
{
  return g_strv_contains ((const char *const *)self->names, name);
}

const char *const *
collet_former_form_get_names (const ColletFormerForm *self)
{
  return (const char *const *)self->names;
}

static gboolean
is_dropped (const ColletFormerForm *self, const char *name)
{
  for (ColletJsonNode item = self->drops != 0 ? collet_json_first (self->json, self->drops) : 0; item != 0;
       item = collet_json_next (self->json, item))
    if (collet_json_string_is (self->json, item, name))
      return TRUE;
  return FALSE;
}

/* What a member is called now; NULL: it is dropped. */
static char *
dup_present_name (const ColletFormerForm *self, const char *name)
{
  ColletJsonNode renamed = self->renames != 0 ? collet_json_member (self->json, self->renames, name) : 0;

  if (renamed != 0)
    return collet_json_dup_string (self->json, renamed);
  return is_dropped (self, name) ? NULL : g_strdup (name);
}

/* ---- reading ---- */

typedef struct
{
  ColletManifestReader *reader;
  ColletJsonNode properties; /* of the inputSchema; 0: it has none */
} Reading;

static gboolean
check_property (const Reading *self, ColletJsonNode node, const char *name)
{
  const ColletJson *json = self->reader->json;

  if (self->properties != 0 && collet_json_member (json, self->properties, name) != 0)
    return TRUE;
  return collet_manifest_refuse_plain (json, node, self->reader->error,
                                       "\"%s\" is not a property of the tool's inputSchema", name);
}

/* An object of at most MAX_MEMBERS, or absent. */
static gboolean
check_object (const Reading *self, ColletJsonNode node)
{
  const ColletJson *json = self->reader->json;

  if (node == 0 || (collet_json_get_type (json, node) == COLLET_JSON_OBJECT &&
                    collet_json_get_length (json, node) <= MAX_MEMBERS))
    return TRUE;
  return collet_manifest_refuse (json, node, self->reader->error, "an object of at most %d members",
                                 MAX_MEMBERS);
}

static gboolean
check_strings (const Reading *self, ColletJsonNode node, guint max, const char *what)
{
  const ColletJson *json = self->reader->json;

  if (node == 0)
    return TRUE;
  if (collet_json_get_type (json, node) != COLLET_JSON_ARRAY || collet_json_get_length (json, node) > max)
    return collet_manifest_refuse (json, node, self->reader->error, "an array of at most %u %s", max, what);
  for (ColletJsonNode item = collet_json_first (json, node); item != 0; item = collet_json_next (json, item))
    if (collet_json_get_type (json, item) != COLLET_JSON_STRING)
      return collet_manifest_refuse (json, item, self->reader->error, "a string");
  return TRUE;
}

static gboolean
check_renames (const Reading *self, ColletJsonNode node, ColletJsonNode drops)
{
  const ColletJson *json = self->reader->json;
  g_autoptr (GHashTable) targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (node == 0)
    return TRUE;
  for (ColletJsonNode member = collet_json_first (json, node); member != 0;
       member = collet_json_next (json, member))
    {
      g_autofree char *from = collet_json_dup_name (json, member);
      g_autofree char *to = collet_json_dup_string (json, member);

      if (to == NULL)
        return collet_manifest_refuse (json, member, self->reader->error, "a string, the present name");
      if (!check_property (self, member, to))
        return FALSE;
      if (strcmp (from, to) == 0)
        return collet_manifest_refuse_plain (json, member, self->reader->error, "is its own new name");
      for (ColletJsonNode drop = drops != 0 ? collet_json_first (json, drops) : 0; drop != 0;
           drop = collet_json_next (json, drop))
        if (collet_json_string_is (json, drop, from))
          return collet_manifest_refuse_plain (json, member, self->reader->error,
                                               "is among \"drops\" as well; do one of them");
      if (!g_hash_table_add (targets, g_strdup (to)))
        return collet_manifest_refuse_plain (json, member, self->reader->error,
                                             "two members cannot both become \"%s\"", to);
    }
  return TRUE;
}

/* References in a property's schema lead out of it: then only a call shows it. */
static gboolean
check_default (const Reading *self, ColletJsonNode member, const char *name)
{
  const ColletJson *json = self->reader->json;
  g_autoptr (ColletJsonSchema) schema =
      collet_json_schema_new (json, collet_json_member (json, self->properties, name), NULL);
  g_autoptr (GError) reason = NULL;

  if (schema == NULL ||
      collet_json_schema_validate (schema, json, member, COLLET_ERROR_INVALID_MANIFEST, &reason))
    return TRUE;
  return collet_manifest_refuse_plain (json, member, self->reader->error,
                                       "is not what the inputSchema allows there: %s", reason->message);
}

static gboolean
check_defaults (const Reading *self, ColletJsonNode node)
{
  const ColletJson *json = self->reader->json;

  for (ColletJsonNode member = node != 0 ? collet_json_first (json, node) : 0; member != 0;
       member = collet_json_next (json, member))
    {
      g_autofree char *name = collet_json_dup_name (json, member);

      if (!check_property (self, member, name) || !check_default (self, member, name))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_values (const Reading *self, ColletJsonNode node)
{
  const ColletJson *json = self->reader->json;

  for (ColletJsonNode member = node != 0 ? collet_json_first (json, node) : 0; member != 0;
       member = collet_json_next (json, member))
    {
      g_autofree char *name = collet_json_dup_name (json, member);

      if (!check_property (self, member, name) || !check_object (self, member))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_names (const Reading *self, ColletJsonNode node, const char *tool, GStrv *names)
{
  const ColletJson *json = self->reader->json;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (ColletJsonNode item = node != 0 ? collet_json_first (json, node) : 0; item != 0;
       item = collet_json_next (json, item))
    {
      g_autofree char *name = collet_json_dup_string (json, item);

      if (!collet_manifest_is_tool_name (name))
        return collet_manifest_refuse (json, item, self->reader->error, "the name of a tool");
      if (strcmp (name, tool) == 0)
        return collet_manifest_refuse_plain (json, item, self->reader->error, "is the tool's present name");
      g_strv_builder_add (builder, name);
    }
  *names = g_strv_builder_end (builder);
  return TRUE;
}

ColletFormerForm *
collet_former_form_read (const ColletJson *json, ColletJsonNode node, const char *tool, ColletJsonNode schema,
                         GError **error)
{
  g_autoptr (ColletFormerForm) self = g_new0 (ColletFormerForm, 1);
  ColletManifestReader reader;
  Reading reading = { &reader, schema != 0 ? collet_json_member (json, schema, "properties") : 0 };
  gsize size;

  if (!collet_manifest_reader_init (&reader, json, node, error))
    return NULL;
  ColletJsonNode names = collet_manifest_reader_take (&reader, "names");
  ColletJsonNode renames = collet_manifest_reader_take (&reader, "renames");
  ColletJsonNode defaults = collet_manifest_reader_take (&reader, "defaults");
  ColletJsonNode values = collet_manifest_reader_take (&reader, "values");
  ColletJsonNode drops = collet_manifest_reader_take (&reader, "drops");
  if (!collet_manifest_reader_finish (&reader) || !check_strings (&reading, names, MAX_NAMES, "names") ||
      !check_strings (&reading, drops, MAX_MEMBERS, "names of members") ||
      !check_object (&reading, renames) || !check_object (&reading, defaults) ||
      !check_object (&reading, values) || !check_renames (&reading, renames, drops) ||
      !check_defaults (&reading, defaults) || !check_values (&reading, values) ||
      !read_names (&reading, names, tool, &self->names))
    return NULL;

  const char *raw = collet_json_get_raw (json, node, &size);
  self->json = collet_json_parse (raw, (gssize)size, error);
  if (self->json == NULL)
    return NULL;
  self->renames = collet_json_member (self->json, 0, "renames");
  self->defaults = collet_json_member (self->json, 0, "defaults");
  self->values = collet_json_member (self->json, 0, "values");
  self->drops = collet_json_member (self->json, 0, "drops");
  return g_steal_pointer (&self);
}

/* ---- applying ---- */

static void
begin_member (GString *out, const char *name)
{
  if (out->len > 1)
    g_string_append_c (out, ',');
  collet_json_append_string (out, name, -1);
  g_string_append_c (out, ':');
}

static void
append_raw (GString *out, const ColletJson *json, ColletJsonNode node)
{
  gsize size;
  const char *raw = collet_json_get_raw (json, node, &size);

  g_string_append_len (out, raw, (gssize)size);
}

static void
append_value (GString *out, const ColletFormerForm *self, const char *name, const ColletJson *json,
              ColletJsonNode node)
{
  ColletJsonNode table = self->values != 0 ? collet_json_member (self->json, self->values, name) : 0;
  g_autofree char *text = table != 0 ? collet_json_dup_string (json, node) : NULL;
  ColletJsonNode instead = text != NULL ? collet_json_member (self->json, table, text) : 0;

  if (instead != 0)
    append_raw (out, self->json, instead);
  else
    append_raw (out, json, node);
}

char *
collet_former_form_apply (const ColletFormerForm *self, const ColletJson *json, ColletJsonNode node,
                          GError **error)
{
  g_autoptr (GHashTable) given = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GString) out = g_string_new ("{");

  for (ColletJsonNode member = collet_json_first (json, node); member != 0;
       member = collet_json_next (json, member))
    {
      g_autofree char *name = collet_json_dup_name (json, member);
      char *now = dup_present_name (self, name);

      if (now == NULL)
        continue;
      if (!g_hash_table_add (given, now))
        {
          g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENTS,
                       "/%s: is given under its old and its new name", name);
          return NULL;
        }
      begin_member (out, now);
      append_value (out, self, now, json, member);
    }
  for (ColletJsonNode member = self->defaults != 0 ? collet_json_first (self->json, self->defaults) : 0;
       member != 0; member = collet_json_next (self->json, member))
    {
      g_autofree char *name = collet_json_dup_name (self->json, member);

      if (g_hash_table_contains (given, name))
        continue;
      begin_member (out, name);
      append_raw (out, self->json, member);
    }
  g_string_append_c (out, '}');
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* ---- what can be said beforehand ---- */

static gboolean
has_property (const ColletJson *json, ColletJsonNode schema, const char *name)
{
  ColletJsonNode properties = schema != 0 ? collet_json_member (json, schema, "properties") : 0;

  return properties != 0 && collet_json_member (json, properties, name) != 0;
}

static gboolean
allows_others (const ColletJson *json, ColletJsonNode schema)
{
  ColletJsonNode others = schema != 0 ? collet_json_member (json, schema, "additionalProperties") : 0;

  return others == 0 || collet_json_get_type (json, others) != COLLET_JSON_FALSE;
}

/* Can an object of the old form have a member that is `name` now? */
static gboolean
can_have (const ColletFormerForm *self, const ColletJson *old_json, ColletJsonNode old, const char *name)
{
  if (self->defaults != 0 && collet_json_member (self->json, self->defaults, name) != 0)
    return TRUE;
  for (ColletJsonNode member = self->renames != 0 ? collet_json_first (self->json, self->renames) : 0;
       member != 0; member = collet_json_next (self->json, member))
    {
      g_autofree char *from = collet_json_dup_name (self->json, member);

      if (collet_json_string_is (self->json, member, name))
        return has_property (old_json, old, from) || allows_others (old_json, old);
    }
  g_autofree char *now = dup_present_name (self, name);
  return g_strcmp0 (now, name) == 0 && (has_property (old_json, old, name) || allows_others (old_json, old));
}

char *
collet_former_form_find_obstacle (const ColletFormerForm *self, const ColletJson *old_json,
                                  ColletJsonNode old, const ColletJson *now_json, ColletJsonNode now)
{
  ColletJsonNode required = now != 0 ? collet_json_member (now_json, now, "required") : 0;
  ColletJsonNode sure = old != 0 ? collet_json_member (old_json, old, "required") : 0;
  gboolean is_open =
      allows_others (now_json, now) || collet_json_member (now_json, now, "patternProperties") != 0;

  for (ColletJsonNode item = required != 0 ? collet_json_first (now_json, required) : 0; item != 0;
       item = collet_json_next (now_json, item))
    {
      g_autofree char *name = collet_json_dup_string (now_json, item);

      if (name != NULL && !can_have (self, old_json, old, name))
        return g_strdup_printf ("\"%s\" is required, and no former member, rename or default gives it", name);
    }
  for (ColletJsonNode item = sure != 0 && !is_open ? collet_json_first (old_json, sure) : 0; item != 0;
       item = collet_json_next (old_json, item))
    {
      g_autofree char *name = collet_json_dup_string (old_json, item);
      g_autofree char *present = name != NULL ? dup_present_name (self, name) : NULL;

      if (present != NULL && !has_property (now_json, now, present))
        return g_strdup_printf ("\"%s\" was required, is not allowed now, and is neither renamed nor dropped",
                                name);
    }
  return NULL;
}
