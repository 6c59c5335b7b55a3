/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Any bytes: refused, or a manifest whose canonical text means the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collet-compatibility.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletManifest) manifest = collet_manifest_parse ((const char *)data, size, &error);
  g_autoptr (ColletManifest) again = NULL;
  g_autoptr (ColletCompatibility) compatibility = NULL;

  g_assert_true ((manifest == NULL) == (error != NULL));
  if (manifest == NULL)
    return 0;
  again = collet_manifest_parse (manifest->json, strlen (manifest->json), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (again->json, ==, manifest->json);
  compatibility = collet_compatibility_compare (manifest, again);
  g_assert_cmpint (compatibility->verdict, ==, COLLET_VERDICT_BEHAVIOUR_ONLY);
  return 0;
}
