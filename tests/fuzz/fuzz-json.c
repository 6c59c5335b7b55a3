/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Any bytes: refused, or a value that survives being written and read again.
 */
#include <stddef.h>
#include <stdint.h>

#include "collet-json-private.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
look_at (const ColletJson *json, ColletJsonNode node)
{
  g_autofree char *name = collet_json_dup_name (json, node);
  g_autofree char *text = collet_json_dup_string (json, node);
  g_autofree char *pointer = collet_json_dup_pointer (json, 0, node);
  g_autofree char *shown = collet_json_dup_shown (json, node);
  gint64 whole;
  double number;

  g_assert_true (*pointer == (node == 0 ? '\0' : '/'));
  g_assert_true (*shown != '\0');
  if (text != NULL)
    g_assert_cmpuint (collet_json_string_length (json, node), ==, g_utf8_strlen (text, -1));
  if (collet_json_get_int64 (json, node, &whole) && collet_json_get_double (json, node, &number))
    g_assert_cmpfloat (number, ==, (double)whole);
  if (name != NULL)
    g_assert_true (collet_json_name_is (json, node, name));
  for (ColletJsonNode child = collet_json_first (json, node); child != 0;
       child = collet_json_next (json, child))
    look_at (json, child);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJson) json = collet_json_parse_borrowed ((const char *)data, size, &error);
  g_autoptr (ColletJson) again = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  g_assert_true ((json == NULL) == (error != NULL));
  if (json == NULL)
    return 0;
  look_at (json, 0);
  collet_json_append_canonical (text, json, 0);
  again = collet_json_parse (text->str, text->len, NULL);
  g_assert_nonnull (again);
  g_assert_true (collet_json_equal (json, 0, again, 0));
  g_assert_cmpuint (collet_json_hash (json, 0), ==, collet_json_hash (again, 0));
  return 0;
}
