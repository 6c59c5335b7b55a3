/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the text of a schema to ColletSchema: without recursion, each schema of
 * the document once.
 */
#include "collet-json-schema-private.h"

#include "collet-error.h"

#define MAX_SCHEMAS 20000

gboolean
collet_schema_refuse (ColletSchemaCompiler *compiler, ColletJsonNode node, const char *format, ...)
{
  g_autofree char *pointer = collet_json_dup_pointer (compiler->schema->json, 0, node);
  g_autofree char *reason = NULL;
  va_list arguments;

  va_start (arguments, format);
  reason = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (compiler->error, COLLET_ERROR, COLLET_ERROR_INVALID_SCHEMA, "%s: %s",
               *pointer != '\0' ? pointer : "the schema", reason);
  return FALSE;
}

ColletSchema *
collet_schema_at (ColletSchemaCompiler *compiler, ColletJsonNode node)
{
  const ColletJson *json = compiler->schema->json;
  ColletSchema *schema = g_hash_table_lookup (compiler->schema->schemas, GUINT_TO_POINTER (node));
  ColletJsonType type = collet_json_get_type (json, node);

  if (schema != NULL)
    return schema;
  if (type != COLLET_JSON_OBJECT && type != COLLET_JSON_TRUE && type != COLLET_JSON_FALSE)
    {
      collet_schema_refuse (compiler, node, "must be a schema: an object, true or false");
      return NULL;
    }
  if (g_hash_table_size (compiler->schema->schemas) == MAX_SCHEMAS)
    {
      collet_schema_refuse (compiler, node, "holds more than %d schemas", MAX_SCHEMAS);
      return NULL;
    }
  schema = g_new0 (ColletSchema, 1);
  schema->node = node;
  schema->kind = type == COLLET_JSON_OBJECT ? COLLET_SCHEMA_OF_RULES
                 : type == COLLET_JSON_TRUE ? COLLET_SCHEMA_OF_ANY
                                            : COLLET_SCHEMA_OF_NONE;
  /* What only a pointer into an unknown keyword leads to was not seen before: it
   * has the base of what it is part of. */
  schema->resource = g_hash_table_lookup (compiler->bases, GUINT_TO_POINTER (node));
  if (schema->resource == NULL)
    schema->resource = compiler->current;
  g_hash_table_insert (compiler->schema->schemas, GUINT_TO_POINTER (node), schema);
  g_queue_push_tail (&compiler->queue, schema);
  return schema;
}

static gboolean
compile_one (ColletSchemaCompiler *compiler, ColletSchema *schema)
{
  const ColletJson *json = compiler->schema->json;

  if (schema->kind != COLLET_SCHEMA_OF_RULES)
    return TRUE;
  compiler->current = schema->resource;
  for (ColletJsonNode member = collet_json_first (json, schema->node); member != 0;
       member = collet_json_next (json, member))
    {
      if (!collet_schema_read_member (compiler, schema, member))
        return FALSE;
    }
  if (schema->object != NULL)
    collet_object_rules_finish (schema->object);
  return TRUE;
}

static gboolean
compile (ColletSchemaCompiler *compiler)
{
  ColletSchema *schema;

  if (!collet_schema_find_resources (compiler))
    return FALSE;
  compiler->current = compiler->schema->resources->pdata[0];
  compiler->schema->root = collet_schema_at (compiler, 0);
  if (compiler->schema->root == NULL)
    return FALSE;
  while ((schema = g_queue_pop_head (&compiler->queue)) != NULL)
    if (!compile_one (compiler, schema))
      return FALSE;
  return TRUE;
}

static void
schema_free (ColletSchema *schema)
{
  g_free (schema->dynamic_name);
  g_free (schema->number);
  if (schema->string != NULL)
    collet_json_pattern_free (schema->string->pattern);
  g_free (schema->string);
  if (schema->array != NULL)
    g_free (schema->array->prefix.schemas);
  g_free (schema->array);
  collet_object_rules_free (schema->object);
  if (schema->logic != NULL)
    {
      g_free (schema->logic->all_of.schemas);
      g_free (schema->logic->any_of.schemas);
      g_free (schema->logic->one_of.schemas);
    }
  g_free (schema->logic);
  g_free (schema);
}

ColletJsonSchema *
collet_json_schema_new (const ColletJson *json, ColletJsonNode node, GError **error)
{
  g_autoptr (ColletJsonSchema) schema = g_new0 (ColletJsonSchema, 1);
  g_autoptr (GHashTable) bases = g_hash_table_new (NULL, NULL);
  ColletSchemaCompiler compiler = { .schema = schema, .bases = bases, .error = error };
  const char *raw;
  gsize size;
  gboolean is_good;

  g_atomic_ref_count_init (&schema->ref_count);
  schema->resources = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_schema_resource_free);
  schema->schemas = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)schema_free);
  raw = collet_json_get_raw (json, node, &size);
  schema->json = collet_json_parse (raw, size, error);
  if (schema->json == NULL)
    return NULL;

  g_queue_init (&compiler.queue);
  is_good = compile (&compiler);
  g_queue_clear (&compiler.queue);
  return is_good ? g_steal_pointer (&schema) : NULL;
}

ColletJsonSchema *
collet_json_schema_ref (ColletJsonSchema *schema)
{
  g_atomic_int_inc (&schema->ref_count);
  return schema;
}

void
collet_json_schema_unref (ColletJsonSchema *schema)
{
  if (schema == NULL || !g_atomic_int_dec_and_test (&schema->ref_count))
    return;
  g_clear_pointer (&schema->schemas, g_hash_table_unref);
  g_clear_pointer (&schema->resources, g_ptr_array_unref);
  g_clear_pointer (&schema->json, collet_json_free);
  g_free (schema);
}
