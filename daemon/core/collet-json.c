/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-json-private.h"

#include <string.h>

#include "collet-error.h"
#include "collet-json-number.h"

/* Room for the index is guessed from the size of the text, so that a request of
 * usual size costs one allocation. */
#define BYTES_A_NODE 8
#define MIN_NODES 8
/* A large text's index grows with what is found in it. */
#define MAX_INLINE_NODES 2048

static ColletJson *
json_alloc (gsize size, gsize copy_size)
{
  gsize n_nodes = MIN (size / BYTES_A_NODE + MIN_NODES, MAX_INLINE_NODES);
  gsize index_size = sizeof (ColletJson) + n_nodes * sizeof (ColletJsonEntry);
  ColletJson *json = g_malloc (index_size + copy_size);

  json->entries = json->inline_entries;
  json->n_entries = 0;
  json->depth = 0;
  json->n_allocated = n_nodes;
  json->bytes = NULL;
  json->text = copy_size > 0 ? (char *)json + index_size : NULL;
  return json;
}

static gboolean
check_size (gsize size, GError **error)
{
  if (size <= COLLET_JSON_MAX_SIZE)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_MESSAGE_TOO_LARGE,
               "a JSON text of %" G_GSIZE_FORMAT " bytes, at most %u are read", size, COLLET_JSON_MAX_SIZE);
  return FALSE;
}

ColletJson *
collet_json_parse (const char *text, gssize size, GError **error)
{
  gsize length = size < 0 ? strlen (text) : (gsize)size;
  g_autoptr (ColletJson) json = NULL;

  if (!check_size (length, error))
    return NULL;
  json = json_alloc (length, length + 1);
  if (length > 0)
    memcpy ((char *)json->text, text, length);
  ((char *)json->text)[length] = '\0';
  return collet_json_scan (json, length, error) ? g_steal_pointer (&json) : NULL;
}

ColletJson *
collet_json_parse_borrowed (const char *text, gsize size, GError **error)
{
  g_autoptr (ColletJson) json = NULL;

  if (!check_size (size, error))
    return NULL;
  json = json_alloc (size, 0);
  json->text = size > 0 ? text : "";
  return collet_json_scan (json, size, error) ? g_steal_pointer (&json) : NULL;
}

ColletJson *
collet_json_parse_bytes (GBytes *bytes, GError **error)
{
  gsize size;
  const char *text = g_bytes_get_data (bytes, &size);
  ColletJson *json = collet_json_parse_borrowed (text, size, error);

  if (json != NULL)
    json->bytes = g_bytes_ref (bytes);
  return json;
}

void
collet_json_free (ColletJson *json)
{
  if (json == NULL)
    return;
  if (json->entries != json->inline_entries)
    g_free (json->entries);
  g_clear_pointer (&json->bytes, g_bytes_unref);
  g_free (json);
}

static const ColletJsonEntry *
get_entry (const ColletJson *json, ColletJsonNode node)
{
  g_assert (node < json->n_entries);
  return &json->entries[node];
}

guint
collet_json_get_depth (const ColletJson *json)
{
  return json->depth;
}

ColletJsonType
collet_json_get_type (const ColletJson *json, ColletJsonNode node)
{
  return collet_json_entry_type (get_entry (json, node));
}

const char *
collet_json_type_name (ColletJsonType type)
{
  switch (type)
    {
    case COLLET_JSON_NULL:
      return "null";
    case COLLET_JSON_FALSE:
    case COLLET_JSON_TRUE:
      return "boolean";
    case COLLET_JSON_NUMBER:
      return "number";
    case COLLET_JSON_STRING:
      return "string";
    case COLLET_JSON_ARRAY:
      return "array";
    case COLLET_JSON_OBJECT:
      return "object";
    default:
      g_return_val_if_reached ("unknown");
    }
}

const char *
collet_json_get_raw (const ColletJson *json, ColletJsonNode node, gsize *size)
{
  const ColletJsonEntry *entry = get_entry (json, node);

  *size = entry->end - entry->start;
  return json->text + entry->start;
}

ColletJsonNode
collet_json_first (const ColletJson *json, ColletJsonNode node)
{
  const ColletJsonEntry *entry = get_entry (json, node);

  /* Only containers count children. */
  if (collet_json_entry_type (entry) < COLLET_JSON_ARRAY || collet_json_entry_count (entry) == 0)
    return 0;
  return collet_json_entry_type (entry) == COLLET_JSON_OBJECT ? node + 2 : node + 1;
}

ColletJsonNode
collet_json_next (const ColletJson *json, ColletJsonNode node)
{
  return get_entry (json, node)->next;
}

guint
collet_json_get_length (const ColletJson *json, ColletJsonNode node)
{
  return collet_json_entry_count (get_entry (json, node));
}

static gboolean
string_entry_is (const ColletJson *json, const ColletJsonEntry *entry, const char *text, gsize size)
{
  g_auto (ColletJsonText) string = { 0 };
  gsize inner = entry->end - entry->start - 2;

  if ((entry->info & COLLET_JSON_ESCAPED) == 0)
    return inner == size && memcmp (json->text + entry->start + 1, text, size) == 0;
  if (inner <= size)
    return FALSE; /* an escape is longer than what it stands for */
  collet_json_text_init (&string, json, entry);
  return string.size == size && memcmp (string.bytes, text, size) == 0;
}

ColletJsonNode
collet_json_member_sized (const ColletJson *json, ColletJsonNode node, const char *name, gsize size)
{
  const ColletJsonEntry *entry = get_entry (json, node);
  ColletJsonNode member;

  if (collet_json_entry_type (entry) != COLLET_JSON_OBJECT || collet_json_entry_count (entry) == 0)
    return 0;
  for (member = node + 2; member != 0; member = json->entries[member].next)
    if (string_entry_is (json, &json->entries[member - 1], name, size))
      return member;
  return 0;
}

static char *
dup_string_entry (const ColletJson *json, const ColletJsonEntry *entry)
{
  gsize size;
  const char *inner = collet_json_entry_inner (json, entry, &size);
  char *result = g_malloc (size + 1);

  result[collet_json_unescape (inner, size, result)] = '\0';
  return result;
}

char *
collet_json_dup_name (const ColletJson *json, ColletJsonNode node)
{
  const ColletJsonEntry *name;

  g_assert (node < json->n_entries);
  name = collet_json_name_entry (json, node);
  return name != NULL ? dup_string_entry (json, name) : NULL;
}

gboolean
collet_json_name_is (const ColletJson *json, ColletJsonNode node, const char *name)
{
  const ColletJsonEntry *entry;

  g_assert (node < json->n_entries);
  entry = collet_json_name_entry (json, node);
  return entry != NULL && string_entry_is (json, entry, name, strlen (name));
}

char *
collet_json_dup_string (const ColletJson *json, ColletJsonNode node)
{
  const ColletJsonEntry *entry = get_entry (json, node);

  return collet_json_entry_type (entry) == COLLET_JSON_STRING ? dup_string_entry (json, entry) : NULL;
}

const char *
collet_json_peek_string (const ColletJson *json, ColletJsonNode node, gsize *size)
{
  const ColletJsonEntry *entry = get_entry (json, node);

  if (collet_json_entry_type (entry) != COLLET_JSON_STRING || (entry->info & COLLET_JSON_ESCAPED) != 0)
    return NULL;
  return collet_json_entry_inner (json, entry, size);
}

gboolean
collet_json_string_is (const ColletJson *json, ColletJsonNode node, const char *text)
{
  const ColletJsonEntry *entry = get_entry (json, node);

  return collet_json_entry_type (entry) == COLLET_JSON_STRING &&
         string_entry_is (json, entry, text, strlen (text));
}

/* Up to 15 digits: exact in a double as in an integer. */
static gboolean
get_short_integer (const ColletJson *json, const ColletJsonEntry *entry, gint64 *value)
{
  const char *p = json->text + entry->start, *end = json->text + entry->end;
  gboolean is_negative = *p == '-';
  gint64 result = 0;

  if ((entry->info & COLLET_JSON_PLAIN) == 0 || end - p > 15)
    return FALSE;
  for (p += is_negative; p < end; p++)
    result = result * 10 + (*p - '0');
  *value = is_negative ? -result : result;
  return TRUE;
}

gboolean
collet_json_get_int64 (const ColletJson *json, ColletJsonNode node, gint64 *value)
{
  const ColletJsonEntry *entry = get_entry (json, node);
  ColletJsonNumber number;

  if (collet_json_entry_type (entry) != COLLET_JSON_NUMBER)
    return FALSE;
  if (get_short_integer (json, entry, value))
    return TRUE;
  collet_json_number_init (&number, json->text + entry->start, entry->end - entry->start);
  return collet_json_number_get_int64 (&number, value);
}

gboolean
collet_json_get_double (const ColletJson *json, ColletJsonNode node, double *value)
{
  const ColletJsonEntry *entry = get_entry (json, node);
  gint64 integer;

  if (collet_json_entry_type (entry) != COLLET_JSON_NUMBER)
    return FALSE;
  if (get_short_integer (json, entry, &integer) && integer != 0)
    *value = (double)integer; /* not for -0, which a double can tell from 0 */
  else
    *value = collet_json_number_to_double (json->text + entry->start, entry->end - entry->start);
  return TRUE;
}
