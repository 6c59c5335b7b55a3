/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-log-level.h"

#include <string.h>

static const char *const names[COLLET_N_LOG_LEVELS] = { "debug", "info",     "notice", "warning",
                                                        "error", "critical", "alert",  "emergency" };

const char *
collet_log_level_name (guint level)
{
  return level < COLLET_N_LOG_LEVELS ? names[level] : "none";
}

int
collet_log_level_from_name (const char *name)
{
  for (int i = 0; i < COLLET_N_LOG_LEVELS; i++)
    if (strcmp (name, names[i]) == 0)
      return i;
  return strcmp (name, "none") == 0 ? COLLET_NO_LOG_LEVEL : -1;
}
