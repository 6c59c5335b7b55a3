/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * [schema, value, value, ...]: refused, or an answer in bounded time, with a
 * reason if it is no.
 */
#include <stddef.h>
#include <stdint.h>

#include "collet-json-schema.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (ColletJson) json = collet_json_parse_borrowed ((const char *)data, size, NULL);
  g_autoptr (ColletJsonSchema) schema = NULL;
  ColletJsonNode first = json != NULL ? collet_json_first (json, 0) : 0;
  g_autoptr (GError) error = NULL;

  if (first == 0)
    return 0;
  schema = collet_json_schema_new (json, first, &error);
  g_assert_true ((schema == NULL) == (error != NULL));
  for (ColletJsonNode value = first; schema != NULL && value != 0; value = collet_json_next (json, value))
    {
      g_autoptr (GError) reason = NULL;
      gboolean is_valid = collet_json_schema_validate (schema, json, value, 1, &reason);
      g_assert_true (is_valid == (reason == NULL));
    }
  return 0;
}
