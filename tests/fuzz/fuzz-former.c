/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * [properties of a schema, a tool's "former", arguments, ...]: whatever a manifest
 * accepts as a way to take calls over, arguments come out as one JSON object, with
 * all defaults and without what is dropped.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collet-former-form.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check (const ColletFormerForm *form, const ColletJson *json, ColletJsonNode former, ColletJsonNode arguments)
{
  g_autofree char *text = collet_former_form_apply (form, json, arguments, NULL);
  g_autoptr (ColletJson) made = text != NULL ? collet_json_parse (text, -1, NULL) : NULL;
  ColletJsonNode defaults = collet_json_member (json, former, "defaults");

  if (text == NULL)
    return;
  g_assert_true (made != NULL && collet_json_get_type (made, 0) == COLLET_JSON_OBJECT);
  for (ColletJsonNode member = defaults != 0 ? collet_json_first (json, defaults) : 0; member != 0;
       member = collet_json_next (json, member))
    {
      g_autofree char *name = collet_json_dup_name (json, member);
      g_assert_true (collet_json_member (made, 0, name) != 0);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (ColletJson) json = collet_json_parse_borrowed ((const char *)data, size, NULL);
  ColletJsonNode schema = json != NULL ? collet_json_first (json, 0) : 0,
                 former = schema != 0 ? collet_json_next (json, schema) : 0;
  g_autoptr (ColletFormerForm) form =
      former != 0 ? collet_former_form_read (json, former, "tool", schema, NULL) : NULL;

  if (form == NULL)
    return 0;
  for (ColletJsonNode node = collet_json_next (json, former); node != 0; node = collet_json_next (json, node))
    {
      g_autofree char *obstacle = collet_former_form_find_obstacle (form, json, node, json, schema);

      if (collet_json_get_type (json, node) == COLLET_JSON_OBJECT)
        check (form, json, former, node);
    }
  return 0;
}
