/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-server-private.h"

int
collet_mcp_level_from_json (const ColletJson *json, ColletJsonNode node)
{
  /* In the order of enum collet_level. */
  static const char *const names[] = { "debug", "info",     "notice", "warning",
                                       "error", "critical", "alert",  "emergency" };

  for (guint i = 0; node != 0 && i < G_N_ELEMENTS (names); i++)
    if (collet_json_string_is (json, node, names[i]))
      return (int)i;
  return -1;
}
