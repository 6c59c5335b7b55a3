/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ten megabytes of state, filled from a seed. */
#include "tiny.h"

#include <inttypes.h>
#include <stdio.h>

static uint32_t words[10 * 1024 * 1024 / 4];

static void
fill (uint32_t seed)
{
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    words[i] = seed = seed * 1664525u + 1013904223u;
}

static int
init (struct collet_context *context, void **instance)
{
  (void)context;
  (void)instance;
  fill (1);
  return COLLET_OK;
}

static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  int64_t seed;
  uint64_t sum = 0;
  char json[64];

  (void)instance;
  (void)tool;
  if (collet_get_integer (call, "seed", &seed))
    fill ((uint32_t)seed);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    sum += words[i];
  snprintf (json, sizeof json, "{\"sum\":%" PRIu64 "}", sum);
  collet_set_structured (call, json);
  return COLLET_OK;
}

static int
export_state (void *instance, struct collet_context *context)
{
  (void)instance;
  collet_write (context, words, sizeof words);
  return COLLET_OK;
}

static int
import_state (void *instance, struct collet_context *context, const void *bytes, size_t size)
{
  (void)instance;
  if (size != sizeof words)
    return collet_fail (context, "not ten megabytes");
  memcpy (words, bytes, size);
  return COLLET_OK;
}

TINY_MANIFEST ("\"state\":{\"format\":1},", "");
COLLET_MODULE (.init = init, .call = call_tool, .export_state = export_state, .import_state = import_state);
