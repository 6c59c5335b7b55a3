/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The keywords of objects, which work together: compiling them.
 */
#include "collet-json-schema-private.h"

#include <string.h>

ColletObjectRules *
collet_schema_ensure_object (ColletSchema *schema)
{
  if (schema->object == NULL)
    {
      schema->object = g_new0 (ColletObjectRules, 1);
      schema->object->names = g_array_new (FALSE, TRUE, sizeof (ColletSchemaName));
      schema->object->max_properties = G_MAXUINT64;
    }
  return schema->object;
}

void
collet_object_rules_free (ColletObjectRules *rules)
{
  if (rules == NULL)
    return;
  for (guint i = 0; i < rules->names->len; i++)
    g_free (g_array_index (rules->names, ColletSchemaName, i).name);
  g_array_unref (rules->names);
  for (guint i = 0; rules->patterns != NULL && i < rules->patterns->len; i++)
    collet_json_pattern_free (g_array_index (rules->patterns, ColletSchemaPattern, i).pattern);
  g_clear_pointer (&rules->patterns, g_array_unref);
  for (guint i = 0; rules->dependencies != NULL && i < rules->dependencies->len; i++)
    {
      ColletSchemaDependency *dependency = &g_array_index (rules->dependencies, ColletSchemaDependency, i);
      g_free (dependency->name);
      g_clear_pointer (&dependency->required, g_ptr_array_unref);
    }
  g_clear_pointer (&rules->dependencies, g_array_unref);
  g_free (rules);
}

gboolean
collet_schema_read_properties (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value)
{
  const ColletJson *json = compiler->schema->json;
  ColletObjectRules *rules = collet_schema_ensure_object (schema);

  if (collet_json_get_type (json, value) != COLLET_JSON_OBJECT)
    return collet_schema_refuse (compiler, value, "must be an object whose members are schemas");
  for (ColletJsonNode item = collet_json_first (json, value); item != 0; item = collet_json_next (json, item))
    {
      ColletSchemaName name = { .schema = collet_schema_at (compiler, item) };
      if (name.schema == NULL)
        return FALSE;
      name.name = collet_json_dup_name (json, item);
      name.size = strlen (name.name);
      g_array_append_val (rules->names, name);
    }
  return TRUE;
}

gboolean
collet_schema_read_pattern_properties (ColletSchemaCompiler *compiler, ColletSchema *schema,
                                       ColletJsonNode value)
{
  const ColletJson *json = compiler->schema->json;
  ColletObjectRules *rules = collet_schema_ensure_object (schema);

  if (collet_json_get_type (json, value) != COLLET_JSON_OBJECT)
    return collet_schema_refuse (compiler, value, "must be an object whose members are schemas");
  rules->patterns = g_array_new (FALSE, TRUE, sizeof (ColletSchemaPattern));
  for (ColletJsonNode item = collet_json_first (json, value); item != 0; item = collet_json_next (json, item))
    {
      g_autofree char *text = collet_json_dup_name (json, item);
      g_autoptr (GError) error = NULL;
      ColletSchemaPattern pattern = { .schema = collet_schema_at (compiler, item) };
      if (pattern.schema == NULL)
        return FALSE;
      pattern.pattern = collet_json_pattern_new (text, strlen (text), &error);
      if (pattern.pattern == NULL)
        return collet_schema_refuse (compiler, item, "%s", error->message);
      g_array_append_val (rules->patterns, pattern);
    }
  return TRUE;
}

/* An array of strings, each once. */
static GPtrArray *
read_names (ColletSchemaCompiler *compiler, ColletJsonNode value)
{
  const ColletJson *json = compiler->schema->json;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  if (collet_json_get_type (json, value) != COLLET_JSON_ARRAY)
    {
      collet_schema_refuse (compiler, value, "must be an array of names");
      return NULL;
    }
  for (ColletJsonNode item = collet_json_first (json, value); item != 0; item = collet_json_next (json, item))
    {
      char *name = collet_json_dup_string (json, item);
      if (name == NULL)
        {
          collet_schema_refuse (compiler, item, "must be a string, the name of a member");
          return NULL;
        }
      g_ptr_array_add (names, name);
      if (!g_hash_table_add (seen, name))
        {
          collet_schema_refuse (compiler, item, "\"%s\" is there twice", name);
          return NULL;
        }
    }
  return g_steal_pointer (&names);
}

gboolean
collet_schema_read_required (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value)
{
  g_autoptr (GPtrArray) required = read_names (compiler, value);
  ColletObjectRules *rules = collet_schema_ensure_object (schema);

  if (required == NULL)
    return FALSE;
  for (guint i = 0; i < required->len; i++)
    {
      ColletSchemaName name = { .name = g_strdup (required->pdata[i]), .is_required = TRUE };
      name.size = strlen (name.name);
      g_array_append_val (rules->names, name);
    }
  return TRUE;
}

gboolean
collet_schema_read_dependencies (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value)
{
  const ColletJson *json = compiler->schema->json;
  ColletObjectRules *rules = collet_schema_ensure_object (schema);
  gboolean may_be_schema = !collet_json_name_is (json, value, "dependentRequired");
  gboolean may_be_names = !collet_json_name_is (json, value, "dependentSchemas");

  if (collet_json_get_type (json, value) != COLLET_JSON_OBJECT)
    return collet_schema_refuse (compiler, value, "must be an object");
  if (rules->dependencies == NULL)
    rules->dependencies = g_array_new (FALSE, TRUE, sizeof (ColletSchemaDependency));
  for (ColletJsonNode item = collet_json_first (json, value); item != 0; item = collet_json_next (json, item))
    {
      gboolean is_array = collet_json_get_type (json, item) == COLLET_JSON_ARRAY;
      ColletSchemaDependency dependency = { 0 };
      if (may_be_names && (is_array || !may_be_schema))
        dependency.required = read_names (compiler, item);
      else
        dependency.schema = collet_schema_at (compiler, item);
      if (dependency.required == NULL && dependency.schema == NULL)
        return FALSE;
      dependency.name = collet_json_dup_name (json, item);
      dependency.size = strlen (dependency.name);
      g_array_append_val (rules->dependencies, dependency);
    }
  return TRUE;
}

static int
compare_names (const void *a, const void *b)
{
  const ColletSchemaName *x = a, *y = b;
  int order = collet_json_bytes_compare (x->name, x->size, y->name, y->size);

  /* The one with a schema first: it takes the other in. */
  return order != 0 ? order : (x->schema == NULL) - (y->schema == NULL);
}

/* Sorts the names and makes one of a property that is also required. */
void
collet_object_rules_finish (ColletObjectRules *rules)
{
  ColletSchemaName *names = (ColletSchemaName *)(gpointer)rules->names->data;
  guint n = 0;

  g_array_sort (rules->names, compare_names);
  for (guint i = 0; i < rules->names->len; i++)
    {
      if (n > 0 && strcmp (names[n - 1].name, names[i].name) == 0)
        {
          names[n - 1].is_required |= names[i].is_required;
          g_free (names[i].name);
        }
      else
        {
          names[n++] = names[i];
        }
    }
  g_array_set_size (rules->names, n);
  for (guint i = 0; i < n; i++)
    rules->n_required += names[i].is_required;
}
