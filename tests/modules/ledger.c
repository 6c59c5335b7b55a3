/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ten megabytes of counters as state, saved every second. Format 1 is the bare
 * cells, format 2 has a heading and every bit of them turned. ONE_WAY: translates
 * up only; LOSSY: loses the first cell on the way down.
 */
#include "tiny.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define N_CELLS ((size_t)10 * 1024 * 1024 / 8)
#define HEADING "ledger 2"
#define HEADING_SIZE 8

#ifndef ONE_WAY
#define ONE_WAY 0
#endif
#ifndef LOSSY
#define LOSSY 0
#endif
#define STRING(x) STRING_ (x)
#define STRING_(x) #x

static uint64_t cells[N_CELLS];

static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  int64_t cell = 0;
  char json[64];

  (void)instance;
  if (!collet_get_integer (call, "cell", &cell) || cell < 0 || (uint64_t)cell >= N_CELLS)
    return collet_call_fail (call, "there is no such cell");
  if (strcmp (tool, "post") == 0)
    cells[cell]++;
  snprintf (json, sizeof json, "{\"value\":%" PRIu64 "}", cells[cell]);
  collet_set_structured (call, json);
  return COLLET_OK;
}

static void
turn (uint64_t *to, const uint64_t *from)
{
  for (size_t i = 0; i < N_CELLS; i++)
    to[i] = ~from[i];
}

static int
write_as (struct collet_context *context, const uint64_t *values, int format)
{
  uint64_t *turned;

  if (format == 1)
    {
      collet_write (context, values, sizeof cells);
      return COLLET_OK;
    }
  turned = malloc (sizeof cells);
  if (turned == NULL)
    return collet_fail (context, "out of memory");
  turn (turned, values);
  collet_write (context, HEADING, HEADING_SIZE);
  collet_write (context, turned, sizeof cells);
  free (turned);
  return COLLET_OK;
}

static int
read_as (struct collet_context *context, uint64_t *values, int format, const void *bytes, size_t size)
{
  if (format == 1 && size == sizeof cells)
    {
      memcpy (values, bytes, size);
      return COLLET_OK;
    }
  if (format == 2 && size == sizeof cells + HEADING_SIZE && memcmp (bytes, HEADING, HEADING_SIZE) == 0)
    {
      memcpy (values, (const char *)bytes + HEADING_SIZE, sizeof cells);
      turn (values, values);
      return COLLET_OK;
    }
  return collet_fail (context, "the bytes are no ledger in this format");
}

static int
export_state (void *instance, struct collet_context *context)
{
  (void)instance;
  return write_as (context, cells, FORMAT);
}

static int
import_state (void *instance, struct collet_context *context, const void *bytes, size_t size)
{
  (void)instance;
  return read_as (context, cells, FORMAT, bytes, size);
}

static int
code_change (struct collet_context *context, enum collet_direction direction, uint32_t format,
             const void *bytes, size_t size)
{
  int from = direction == COLLET_UP ? (int)format : FORMAT;
  uint64_t *values;
  int status;

  if (direction == COLLET_DOWN && ONE_WAY)
    return collet_fail (context, "this version knows no way back");
  values = malloc (sizeof cells);
  if (values == NULL)
    return collet_fail (context, "out of memory");
  status = read_as (context, values, from, bytes, size);
  if (status == COLLET_OK && direction == COLLET_DOWN && LOSSY)
    values[0] = 0;
  if (status == COLLET_OK)
    status = write_as (context, values, direction == COLLET_UP ? FORMAT : (int)format);
  free (values);
  return status;
}

#define CELL                                                                                                 \
  "\"inputSchema\":{\"type\":\"object\",\"properties\":{\"cell\":{\"type\":\"integer\"}},\"required\":["     \
  "\"cell\"]}"

COLLET_MANIFEST ("{\"name\":\"ledger\",\"version\":\"" VERSION "\","
                 "\"state\":{\"format\":" STRING (
                     FORMAT) ",\"snapshot_interval_s\":1},\"tools\":["
                             "{\"name\":\"post\",\"description\":\"Counts in a cell\"," CELL "},"
                             "{\"name\":\"balance\",\"description\":\"Returns a cell\"," CELL "}]}");
COLLET_MODULE (.call = call_tool, .export_state = export_state, .import_state = import_state,
               .code_change = code_change);
