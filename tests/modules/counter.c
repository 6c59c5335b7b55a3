/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One integer as state. FORMAT is its format: 1 is eight bytes, 2 is decimal
 * text; IS_STATELESS: it forgets. DELAY_US: so long does counting take. FAULT says
 * what goes wrong, if anything.
 */
#include "tiny.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef FAULT
#define FAULT none
#endif
#ifndef DELAY_US
#define DELAY_US 0
#endif
#define IS_FAULT(fault) (strcmp (STRING (FAULT), fault) == 0)
#define STRING(x) STRING_ (x)
#define STRING_(x) #x

static int64_t count;

static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  int64_t by = 1;
  char json[64];

  (void)instance;
  if (IS_FAULT ("fail_call") || (IS_FAULT ("one_way") && count > 100))
    return collet_call_fail (call, "this version never counts");
  collet_get_integer (call, "by", &by);
  if (strcmp (tool, "count") == 0)
    {
      if (DELAY_US > 0)
        usleep (DELAY_US);
      count += by;
    }
  snprintf (json, sizeof json, "{\"count\":%" PRId64 "}", count);
  collet_set_structured (call, json);
  return COLLET_OK;
}

static int
write_count (struct collet_context *context, int64_t value, uint32_t format)
{
  char text[32];
  int size = snprintf (text, sizeof text, "%" PRId64, value);

  if (format == 1)
    collet_write (context, &value, sizeof value);
  else
    collet_write (context, text, (size_t)size);
  return COLLET_OK;
}

static int
read_count (struct collet_context *context, int64_t *value, uint32_t format, const void *bytes, size_t size)
{
  char text[32] = "", *end = text;

  if (format == 1 && size == sizeof *value)
    {
      memcpy (value, bytes, size);
      return COLLET_OK;
    }
  if (format == 2 && size > 0 && size < sizeof text)
    {
      memcpy (text, bytes, size);
      *value = strtoll (text, &end, 10);
      if (end == text + size)
        return COLLET_OK;
    }
  return collet_fail (context, "the bytes are no count in this format");
}

/* A fault of the export shows only once something was counted: a fresh module
 * that cannot export is refused at validation already. */
static int
export_state (void *instance, struct collet_context *context)
{
  (void)instance;
  if (count != 0 && IS_FAULT ("crash_export"))
    abort ();
  if (count != 0 && IS_FAULT ("fail_export"))
    return collet_fail (context, "this version never exports");
  return write_count (context, count, FORMAT);
}

static int
import_state (void *instance, struct collet_context *context, const void *bytes, size_t size)
{
  (void)instance;
  if (IS_FAULT ("crash_import"))
    abort ();
  if (IS_FAULT ("fail_import"))
    return collet_fail (context, "this version never imports");
  return read_count (context, &count, FORMAT, bytes, size);
}

#ifdef HAS_CODE_CHANGE
static int
code_change (struct collet_context *context, enum collet_direction direction, uint32_t format,
             const void *bytes, size_t size)
{
  uint32_t from = direction == COLLET_UP ? format : FORMAT;
  uint32_t to = direction == COLLET_UP ? FORMAT : format;
  int64_t value;

  if (IS_FAULT ("crash_code_change"))
    abort ();
  while (IS_FAULT ("hang_code_change"))
    pause ();
  if (IS_FAULT ("one_way") && direction == COLLET_DOWN)
    return collet_fail (context, "this version knows no way back");
  if (IS_FAULT ("fail_code_change"))
    return collet_fail (context, "this version never migrates");
  if (read_count (context, &value, from, bytes, size) != COLLET_OK)
    return COLLET_FAILED;
  return write_count (context, value, to);
}
#define CODE_CHANGE code_change
#else
#define CODE_CHANGE NULL
#endif

#ifdef IS_STATELESS
#define STATE ""
#else
#define STATE "\"state\":{\"format\":" STRING (FORMAT) "},"
#endif

COLLET_MANIFEST (
    "{\"name\":\"counter\",\"version\":\"" VERSION "\"," STATE "\"tools\":["
    "{\"name\":\"count\",\"description\":\"Adds to the count\",\"inputSchema\":{\"type\":\"object\","
    "\"properties\":{\"by\":{\"type\":\"integer\"}}}},"
    "{\"name\":\"count_get\",\"description\":\"Returns the "
    "count\",\"inputSchema\":{\"type\":\"object\"}}]}");
COLLET_MODULE (.call = call_tool, .export_state = export_state, .import_state = import_state,
               .code_change = CODE_CHANGE);
