/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Any bytes as what a module asks, as what a client can do and answers, and as what
 * it carries for us.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collet-call-input.h"
#include "collet-mcp-seal.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
read_json (const ColletJson *json)
{
  g_autoptr (GString) capabilities = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree guchar *state = NULL;
  const char *reason = NULL;
  guint needed = 0;
  gsize size;

  if (collet_questions_check (json, &needed, &error))
    {
      g_assert_cmpuint (needed, >, 0);
      g_assert_cmpuint (needed, <, 16);
      state = collet_questions_dup_state (json, &size);
    }
  else
    g_assert_nonnull (error);
  collet_questions_append_capabilities (
      capabilities,
      needed | collet_questions_from_capabilities (json, collet_json_member (json, 0, "capabilities")));
  g_assert_cmpint (capabilities->str[capabilities->len - 1], ==, '}');
  g_assert_true (collet_replies_check (json, 0, &reason) || reason != NULL);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const guchar key[COLLET_MCP_SEAL_KEY_SIZE];
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_auto (ColletMcpSealed) sealed = { 0 };
  g_autoptr (ColletJson) json = collet_json_parse ((const char *)data, (gssize)size, NULL);

  if (json)
    read_json (json);
  /* The key is known here, but not the nonce's luck. */
  g_assert_false (collet_mcp_unseal (key, "fuzz", text, &sealed));
  return 0;
}
