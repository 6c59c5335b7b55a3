/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What each keyword of a schema takes: one table, and what fills ColletSchema from
 * it. The keywords of objects are in -object.c.
 */
#include "collet-json-schema-private.h"

#include <string.h>

typedef gboolean (*ReadFunc) (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value);

/* What a keyword's value is, so how it is read. */
typedef enum
{
  VALUE_STRING, /* annotations of which only the type is checked */
  VALUE_BOOLEAN,
  VALUE_ARRAY,
  VALUE_COUNT,      /* guint64 */
  VALUE_NUMBER,     /* ColletJsonNode */
  VALUE_SCHEMA,     /* ColletSchema * */
  VALUE_SCHEMAS,    /* ColletSchemaList */
  VALUE_SCHEMA_MAP, /* of which only the schemas are checked */
  VALUE_OWN,        /* has a function of its own */
} Value;

typedef enum
{
  GROUP_NONE,
  GROUP_NUMBER,
  GROUP_STRING,
  GROUP_ARRAY,
  GROUP_OBJECT,
  GROUP_LOGIC,
} Group;

typedef struct
{
  const char *name;
  ColletKeywordShape shape;
  Value value;
  Group group;
  gsize offset; /* in the group */
  ReadFunc read;
} Keyword;

static ColletNumberRules *
ensure_number (ColletSchema *schema)
{
  if (schema->number == NULL)
    schema->number = g_new0 (ColletNumberRules, 1);
  return schema->number;
}

static ColletStringRules *
ensure_string (ColletSchema *schema)
{
  if (schema->string == NULL)
    {
      schema->string = g_new0 (ColletStringRules, 1);
      schema->string->max_length = G_MAXUINT64;
    }
  return schema->string;
}

static ColletArrayRules *
ensure_array (ColletSchema *schema)
{
  if (schema->array == NULL)
    {
      schema->array = g_new0 (ColletArrayRules, 1);
      schema->array->max_items = G_MAXUINT64;
      schema->array->min_contains = 1;
      schema->array->max_contains = G_MAXUINT64;
    }
  return schema->array;
}

static ColletLogicRules *
ensure_logic (ColletSchema *schema)
{
  if (schema->logic == NULL)
    schema->logic = g_new0 (ColletLogicRules, 1);
  return schema->logic;
}

static gpointer
ensure_group (ColletSchema *schema, Group group)
{
  switch (group)
    {
    case GROUP_NUMBER:
      return ensure_number (schema);
    case GROUP_STRING:
      return ensure_string (schema);
    case GROUP_ARRAY:
      return ensure_array (schema);
    case GROUP_OBJECT:
      return collet_schema_ensure_object (schema);
    case GROUP_LOGIC:
      return ensure_logic (schema);
    case GROUP_NONE:
    default:
      return schema;
    }
}

static gboolean
read_count (ColletSchemaCompiler *compiler, ColletJsonNode value, guint64 *count)
{
  const ColletJson *json = compiler->schema->json;
  ColletJsonNumber number;
  const char *raw;
  gsize size;

  raw = collet_json_get_raw (json, value, &size);
  if (collet_json_get_type (json, value) == COLLET_JSON_NUMBER)
    {
      collet_json_number_init (&number, raw, size);
      if (collet_json_number_is_integer (&number) && !number.is_negative)
        {
          if (!collet_json_number_get_uint64 (&number, count))
            *count = G_MAXUINT64;
          return TRUE;
        }
    }
  return collet_schema_refuse (compiler, value, "must be a whole number, not negative");
}

static gboolean
read_schemas (ColletSchemaCompiler *compiler, ColletJsonNode value, ColletSchemaList *list)
{
  const ColletJson *json = compiler->schema->json;
  guint n = collet_json_get_length (json, value);

  if (collet_json_get_type (json, value) != COLLET_JSON_ARRAY || n == 0)
    return collet_schema_refuse (compiler, value, "must be an array of at least one schema");
  list->schemas = g_new0 (ColletSchema *, n);
  for (ColletJsonNode item = collet_json_first (json, value); item != 0; item = collet_json_next (json, item))
    {
      ColletSchema *schema = collet_schema_at (compiler, item);
      if (schema == NULL)
        return FALSE;
      list->schemas[list->n_schemas++] = schema;
    }
  return TRUE;
}

static gboolean
read_schema_map (ColletSchemaCompiler *compiler, ColletJsonNode value)
{
  const ColletJson *json = compiler->schema->json;

  if (collet_json_get_type (json, value) != COLLET_JSON_OBJECT)
    return collet_schema_refuse (compiler, value, "must be an object whose members are schemas");
  for (ColletJsonNode item = collet_json_first (json, value); item != 0; item = collet_json_next (json, item))
    if (collet_schema_at (compiler, item) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
read_boolean (ColletSchemaCompiler *compiler, ColletJsonNode value, gboolean *result)
{
  ColletJsonType type = collet_json_get_type (compiler->schema->json, value);

  if (type != COLLET_JSON_TRUE && type != COLLET_JSON_FALSE)
    return collet_schema_refuse (compiler, value, "must be true or false");
  if (result != NULL)
    *result = type == COLLET_JSON_TRUE;
  return TRUE;
}

static gboolean
add_type (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value)
{
  static const struct
  {
    const char *name;
    guint bits;
  } types[] = {
    { "null", COLLET_SCHEMA_TYPE (COLLET_JSON_NULL) },
    { "boolean", COLLET_SCHEMA_BOOLEAN },
    { "number", COLLET_SCHEMA_TYPE (COLLET_JSON_NUMBER) },
    { "integer", COLLET_SCHEMA_INTEGER },
    { "string", COLLET_SCHEMA_TYPE (COLLET_JSON_STRING) },
    { "array", COLLET_SCHEMA_TYPE (COLLET_JSON_ARRAY) },
    { "object", COLLET_SCHEMA_TYPE (COLLET_JSON_OBJECT) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (collet_json_string_is (compiler->schema->json, value, types[i].name))
      {
        if ((schema->types & types[i].bits) != 0)
          return collet_schema_refuse (compiler, value, "is there twice");
        schema->types |= types[i].bits;
        return TRUE;
      }
  return collet_schema_refuse (
      compiler, value,
      "must be one of null, boolean, number, integer, string, array, object, or several of them");
}

static gboolean
read_type (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value)
{
  const ColletJson *json = compiler->schema->json;

  if (collet_json_get_type (json, value) != COLLET_JSON_ARRAY)
    return add_type (compiler, schema, value);
  if (collet_json_get_length (json, value) == 0)
    return collet_schema_refuse (compiler, value, "must name a type");
  for (ColletJsonNode item = collet_json_first (json, value); item != 0; item = collet_json_next (json, item))
    if (!add_type (compiler, schema, item))
      return FALSE;
  return TRUE;
}

static gboolean
read_enum (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value)
{
  if (collet_json_get_type (compiler->schema->json, value) != COLLET_JSON_ARRAY)
    return collet_schema_refuse (compiler, value, "must be an array of the values that are allowed");
  schema->values = value;
  return TRUE;
}

static gboolean
read_const (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value)
{
  schema->constant = value;
  return TRUE;
}

static gboolean
read_multiple_of (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value)
{
  const ColletJson *json = compiler->schema->json;
  ColletJsonNumber number = { 0 };
  const char *raw;
  gsize size;

  raw = collet_json_get_raw (json, value, &size);
  if (collet_json_get_type (json, value) == COLLET_JSON_NUMBER)
    collet_json_number_init (&number, raw, size);
  if (number.n_digits == 0 || number.is_negative)
    return collet_schema_refuse (compiler, value, "must be a number greater than 0");
  if (number.n_digits > COLLET_JSON_MAX_DIVISOR_DIGITS)
    return collet_schema_refuse (compiler, value, "must have at most %d significant digits",
                                 COLLET_JSON_MAX_DIVISOR_DIGITS);
  ensure_number (schema)->multiple_of = value;
  return TRUE;
}

static gboolean
read_pattern (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value)
{
  const ColletJson *json = compiler->schema->json;
  g_auto (ColletJsonText) text = { 0 };
  g_autoptr (GError) error = NULL;

  if (collet_json_get_type (json, value) != COLLET_JSON_STRING)
    return collet_schema_refuse (compiler, value, "must be a string, a regular expression");
  collet_json_text_init (&text, json, &json->entries[value]);
  ensure_string (schema)->pattern = collet_json_pattern_new (text.bytes, text.size, &error);
  if (schema->string->pattern == NULL)
    return collet_schema_refuse (compiler, value, "%s", error->message);
  return TRUE;
}

static gboolean
read_items (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value)
{
  if (collet_json_get_type (compiler->schema->json, value) == COLLET_JSON_ARRAY)
    return collet_schema_refuse (compiler, value,
                                 "must be a schema; an array of schemas goes into prefixItems since 2020-12");
  ensure_array (schema)->items = collet_schema_at (compiler, value);
  return schema->array->items != NULL;
}

static gboolean
read_ref (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value)
{
  const ColletSchemaResource *resource;
  g_autofree char *fragment = NULL;
  ColletJsonNode target;

  if (!collet_schema_resolve (compiler, schema, value, &target, &resource, &fragment))
    return FALSE;
  if (!g_hash_table_contains (compiler->bases, GUINT_TO_POINTER (target)))
    g_hash_table_insert (compiler->bases, GUINT_TO_POINTER (target), (gpointer)resource);
  schema->ref = collet_schema_at (compiler, target);
  return schema->ref != NULL;
}

static gboolean
read_dynamic_ref (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value)
{
  const ColletSchemaResource *resource;
  g_autofree char *fragment = NULL;
  ColletJsonNode target;

  if (!collet_schema_resolve (compiler, schema, value, &target, &resource, &fragment))
    return FALSE;
  if (!g_hash_table_contains (compiler->bases, GUINT_TO_POINTER (target)))
    g_hash_table_insert (compiler->bases, GUINT_TO_POINTER (target), (gpointer)resource);
  schema->dynamic_ref = collet_schema_at (compiler, target);
  /* Dynamic only if it would also lead statically to such an anchor. */
  if (g_hash_table_contains (resource->dynamic_anchors, fragment))
    schema->dynamic_name = g_steal_pointer (&fragment);
  return schema->dynamic_ref != NULL;
}

#define IN(type, member) G_STRUCT_OFFSET (type, member)
#define OTHER(name, value)                                                                                   \
  {                                                                                                          \
    name, COLLET_KEYWORD_OTHER, value, GROUP_NONE, 0, NULL                                                   \
  }
#define OWN(name, shape, read)                                                                               \
  {                                                                                                          \
    name, shape, VALUE_OWN, GROUP_NONE, 0, read                                                              \
  }
#define COUNT(name, group, type, member)                                                                     \
  {                                                                                                          \
    name, COLLET_KEYWORD_OTHER, VALUE_COUNT, group, IN (type, member), NULL                                  \
  }
#define NUMBER(name, member)                                                                                 \
  {                                                                                                          \
    name, COLLET_KEYWORD_OTHER, VALUE_NUMBER, GROUP_NUMBER, IN (ColletNumberRules, member), NULL             \
  }
#define ONE(name, group, type, member)                                                                       \
  {                                                                                                          \
    name, COLLET_KEYWORD_SCHEMA, VALUE_SCHEMA, group, IN (type, member), NULL                                \
  }
#define SEVERAL(name, group, type, member)                                                                   \
  {                                                                                                          \
    name, COLLET_KEYWORD_SCHEMA_ARRAY, VALUE_SCHEMAS, group, IN (type, member), NULL                         \
  }

static const Keyword keywords[] = {
  OWN ("type", COLLET_KEYWORD_OTHER, read_type),
  OTHER ("description", VALUE_STRING),
  OTHER ("title", VALUE_STRING),
  OWN ("properties", COLLET_KEYWORD_SCHEMA_MAP, collet_schema_read_properties),
  OWN ("required", COLLET_KEYWORD_OTHER, collet_schema_read_required),
  ONE ("additionalProperties", GROUP_OBJECT, ColletObjectRules, additional),
  OWN ("items", COLLET_KEYWORD_SCHEMA, read_items),
  OWN ("enum", COLLET_KEYWORD_OTHER, read_enum),
  OWN ("const", COLLET_KEYWORD_OTHER, read_const),
  NUMBER ("minimum", minimum),
  NUMBER ("maximum", maximum),
  NUMBER ("exclusiveMinimum", exclusive_minimum),
  NUMBER ("exclusiveMaximum", exclusive_maximum),
  OWN ("multipleOf", COLLET_KEYWORD_OTHER, read_multiple_of),
  COUNT ("minLength", GROUP_STRING, ColletStringRules, min_length),
  COUNT ("maxLength", GROUP_STRING, ColletStringRules, max_length),
  OWN ("pattern", COLLET_KEYWORD_OTHER, read_pattern),
  COUNT ("minItems", GROUP_ARRAY, ColletArrayRules, min_items),
  COUNT ("maxItems", GROUP_ARRAY, ColletArrayRules, max_items),
  COUNT ("minContains", GROUP_ARRAY, ColletArrayRules, min_contains),
  COUNT ("maxContains", GROUP_ARRAY, ColletArrayRules, max_contains),
  { "uniqueItems", COLLET_KEYWORD_OTHER, VALUE_BOOLEAN, GROUP_ARRAY, IN (ColletArrayRules, is_unique), NULL },
  SEVERAL ("prefixItems", GROUP_ARRAY, ColletArrayRules, prefix),
  ONE ("contains", GROUP_ARRAY, ColletArrayRules, contains),
  ONE ("unevaluatedItems", GROUP_ARRAY, ColletArrayRules, unevaluated),
  COUNT ("minProperties", GROUP_OBJECT, ColletObjectRules, min_properties),
  COUNT ("maxProperties", GROUP_OBJECT, ColletObjectRules, max_properties),
  OWN ("patternProperties", COLLET_KEYWORD_SCHEMA_MAP, collet_schema_read_pattern_properties),
  ONE ("propertyNames", GROUP_OBJECT, ColletObjectRules, property_names),
  ONE ("unevaluatedProperties", GROUP_OBJECT, ColletObjectRules, unevaluated),
  OWN ("dependentRequired", COLLET_KEYWORD_OTHER, collet_schema_read_dependencies),
  OWN ("dependentSchemas", COLLET_KEYWORD_SCHEMA_MAP, collet_schema_read_dependencies),
  OWN ("dependencies", COLLET_KEYWORD_SCHEMA_MAP, collet_schema_read_dependencies),
  SEVERAL ("allOf", GROUP_LOGIC, ColletLogicRules, all_of),
  SEVERAL ("anyOf", GROUP_LOGIC, ColletLogicRules, any_of),
  SEVERAL ("oneOf", GROUP_LOGIC, ColletLogicRules, one_of),
  ONE ("not", GROUP_LOGIC, ColletLogicRules, not_),
  ONE ("if", GROUP_LOGIC, ColletLogicRules, if_),
  ONE ("then", GROUP_LOGIC, ColletLogicRules, then),
  ONE ("else", GROUP_LOGIC, ColletLogicRules, else_),
  OWN ("$ref", COLLET_KEYWORD_OTHER, read_ref),
  OWN ("$dynamicRef", COLLET_KEYWORD_OTHER, read_dynamic_ref),
  { "$defs", COLLET_KEYWORD_SCHEMA_MAP, VALUE_SCHEMA_MAP, GROUP_NONE, 0, NULL },
  { "definitions", COLLET_KEYWORD_SCHEMA_MAP, VALUE_SCHEMA_MAP, GROUP_NONE, 0, NULL },
  OTHER ("$schema", VALUE_STRING),
  OTHER ("$comment", VALUE_STRING),
  OTHER ("format", VALUE_STRING),
  OTHER ("contentEncoding", VALUE_STRING),
  OTHER ("contentMediaType", VALUE_STRING),
  OTHER ("examples", VALUE_ARRAY),
  OTHER ("deprecated", VALUE_BOOLEAN),
  OTHER ("readOnly", VALUE_BOOLEAN),
  OTHER ("writeOnly", VALUE_BOOLEAN),
};

static const Keyword *
find_keyword (const ColletJson *json, ColletJsonNode member)
{
  for (guint i = 0; i < G_N_ELEMENTS (keywords); i++)
    if (collet_json_name_is (json, member, keywords[i].name))
      return &keywords[i];
  return NULL;
}

ColletKeywordShape
collet_schema_keyword_shape (const ColletJson *json, ColletJsonNode member)
{
  const Keyword *keyword = find_keyword (json, member);

  return keyword != NULL ? keyword->shape : COLLET_KEYWORD_OTHER;
}

static gboolean
read_keyword (ColletSchemaCompiler *compiler, ColletSchema *schema, const Keyword *keyword,
              ColletJsonNode value)
{
  ColletJsonType type = collet_json_get_type (compiler->schema->json, value);
  gpointer slot = NULL;

  if (keyword->group != GROUP_NONE)
    slot = (char *)ensure_group (schema, keyword->group) + keyword->offset;
  switch (keyword->value)
    {
    case VALUE_STRING:
      return type == COLLET_JSON_STRING || collet_schema_refuse (compiler, value, "must be a string");
    case VALUE_ARRAY:
      return type == COLLET_JSON_ARRAY || collet_schema_refuse (compiler, value, "must be an array");
    case VALUE_BOOLEAN:
      return read_boolean (compiler, value, slot);
    case VALUE_COUNT:
      return read_count (compiler, value, slot);
    case VALUE_NUMBER:
      *(ColletJsonNode *)slot = value;
      return type == COLLET_JSON_NUMBER || collet_schema_refuse (compiler, value, "must be a number");
    case VALUE_SCHEMA:
      *(ColletSchema **)slot = collet_schema_at (compiler, value);
      return *(ColletSchema **)slot != NULL;
    case VALUE_SCHEMAS:
      return read_schemas (compiler, value, slot);
    case VALUE_SCHEMA_MAP:
      return read_schema_map (compiler, value);
    case VALUE_OWN:
    default:
      return keyword->read (compiler, schema, value);
    }
}

gboolean
collet_schema_read_member (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode member)
{
  const Keyword *keyword = find_keyword (compiler->schema->json, member);

  return keyword == NULL || read_keyword (compiler, schema, keyword, member);
}
