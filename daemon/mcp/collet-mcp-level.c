/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-server-private.h"

#include "collet-log-level.h"

int
collet_mcp_level_from_json (const ColletJson *json, ColletJsonNode node)
{
  for (guint i = 0; node != 0 && i < COLLET_N_LOG_LEVELS; i++)
    if (collet_json_string_is (json, node, collet_log_level_name (i)))
      return (int)i;
  return -1;
}
