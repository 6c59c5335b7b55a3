/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-memory-report.h"

#include <stdio.h>
#include <stdlib.h>

#include "collet-deployment.h"
#include "collet-mcp-metrics.h"

/* 0: it cannot be told. */
static guint64
count_mappings (void)
{
  FILE *maps = fopen ("/proc/self/maps", "re");
  guint64 lines = 0;

  if (maps == NULL)
    return 0;
  for (int c = getc_unlocked (maps); c != EOF; c = getc_unlocked (maps))
    lines += c == '\n';
  fclose (maps);
  return lines;
}

static guint64
read_limit (void)
{
  g_autofree char *text = NULL;

  return g_file_get_contents ("/proc/sys/vm/max_map_count", &text, NULL, NULL)
             ? g_ascii_strtoull (text, NULL, 10)
             : 0;
}

void
collet_memory_report_append (GString *out)
{
  collet_mcp_metrics_append_gauge (out, "collet_resident_versions",
                                   "Retired in-process versions whose code could not leave memory.",
                                   collet_deployment_count_resident ());
  collet_mcp_metrics_append_gauge (out, "collet_memory_mappings", "Mappings of the daemon's process.",
                                   count_mappings ());
  collet_mcp_metrics_append_gauge (
      out, "collet_memory_mappings_limit",
      "Mappings that a process may have; past it no module can be loaded in-process.", read_limit ());
}
