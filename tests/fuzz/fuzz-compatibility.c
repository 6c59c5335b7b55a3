/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * [old schema, new schema, value, ...]: when results of the new one are said to
 * fit the old one, no value may show otherwise.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collet-json-schema.h"
#include "collet-schema-relation.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_value (const ColletJsonSchema *from, const ColletJsonSchema *to, const ColletJson *json,
             ColletJsonNode value)
{
  g_autoptr (GError) error = NULL;

  if (!collet_json_schema_validate (to, json, value, 1, NULL) ||
      collet_json_schema_validate (from, json, value, 1, &error))
    return;
  /* No answer at all is no counterexample. */
  g_assert_true (strstr (error->message, "too many steps") != NULL ||
                 strstr (error->message, "without end") != NULL);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (ColletJson) json = collet_json_parse_borrowed ((const char *)data, size, NULL);
  g_autoptr (ColletJsonSchema) from = NULL;
  g_autoptr (ColletJsonSchema) to = NULL;
  g_autoptr (GPtrArray) breaking = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  ColletJsonNode a = json != NULL ? collet_json_first (json, 0) : 0,
                 b = a != 0 ? collet_json_next (json, a) : 0;
  gboolean fits;

  if (b == 0)
    return 0;
  from = collet_json_schema_new (json, a, NULL);
  to = collet_json_schema_new (json, b, NULL);
  if (from == NULL || to == NULL)
    return 0;
  fits = collet_schema_relation_check (COLLET_RELATION_OUTPUT, json, a, json, b, "", breaking, notes);
  g_assert_true (fits == (breaking->len == 0));
  for (ColletJsonNode value = a; fits && value != 0; value = collet_json_next (json, value))
    check_value (from, to, json, value);
  (void)collet_schema_relation_check (COLLET_RELATION_INPUT, json, a, json, b, "", breaking, notes);
  return 0;
}
