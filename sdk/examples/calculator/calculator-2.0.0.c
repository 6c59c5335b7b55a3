/* SPDX-License-Identifier: 0BSD
 *
 * calculator-2.0.0.c: counts its operations, so the state has a new format, and
 * code_change translates it: up from format 1, and down to it for a rollback.
 */
#include "arithmetic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The state: what a hot reload hands on to the next version. */
struct calculator
{
  int64_t memory;
  int64_t operations; /* that gave a result, ever */
};

static int
init (struct collet_context *context, void **instance)
{
  *instance = calloc (1, sizeof (struct calculator));
  return *instance != NULL ? COLLET_OK : collet_fail (context, "out of memory");
}

static void
fini (void *instance)
{
  free (instance);
}

typedef struct number calculation (struct number a, struct number b);

static int
calculate (struct calculator *self, struct collet_call *call, calculation *operation)
{
  struct number a, b;
  char text[NUMBER_TEXT], json[NUMBER_TEXT + 64];

  /* The host has checked the arguments against the inputSchema. */
  if (!number_get (call, "a", &a) || !number_get (call, "b", &b))
    return collet_call_fail (call, "a and b must be numbers");
  if (operation == number_divide && number_is_zero (b))
    return collet_call_fail (call, "division by zero");
  if (!number_format (operation (a, b), text))
    return collet_call_fail (call, "the result is not a finite number");

  self->operations++;
  snprintf (json, sizeof json, "{\"result\":%s,\"operations\":%" PRId64 "}", text, self->operations);
  collet_add_text (call, text);
  collet_set_structured (call, json);
  return COLLET_OK;
}

static int
answer_memory (const struct calculator *self, struct collet_call *call)
{
  char json[96];

  snprintf (json, sizeof json, "{\"memory\":%" PRId64 ",\"operations\":%" PRId64 "}", self->memory,
            self->operations);
  collet_set_structured (call, json);
  return COLLET_OK;
}

static int
memory_add (struct calculator *self, struct collet_call *call)
{
  int64_t value, sum;

  if (!collet_get_integer (call, "value", &value))
    return collet_call_fail (call, "value must be a whole number of 64 bits");
  if (__builtin_add_overflow (self->memory, value, &sum))
    return collet_call_fail (call, "the register holds 64 bits; it stays as it was");

  self->memory = sum;
  self->operations++;
  return answer_memory (self, call);
}

static int
memory_clear (struct calculator *self, struct collet_call *call)
{
  self->memory = 0;
  return answer_memory (self, call);
}

static const struct
{
  const char *tool;
  calculation *operation;
} operations[] = {
  { "add", number_add },       { "subtract", number_subtract }, { "multiply", number_multiply },
  { "divide", number_divide }, { "power", number_power },
};

static int
run_tool (void *instance, const char *tool, struct collet_call *call)
{
  struct calculator *self = instance;

  for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
    if (strcmp (tool, operations[i].tool) == 0)
      return calculate (self, call, operations[i].operation);

  if (strcmp (tool, "memory_add") == 0)
    return memory_add (self, call);
  if (strcmp (tool, "memory_get") == 0)
    return answer_memory (self, call);
  if (strcmp (tool, "memory_clear") == 0)
    return memory_clear (self, call);
  return collet_call_fail (call, "no such tool");
}

/* State format 2: "memory=<integer> operations=<integer>". */
static int
write_state (const struct calculator *self, struct collet_context *context)
{
  char text[96];
  int size =
      snprintf (text, sizeof text, "memory=%" PRId64 " operations=%" PRId64, self->memory, self->operations);

  collet_write (context, text, (size_t)size);
  return COLLET_OK;
}

static int
read_state (struct calculator *self, struct collet_context *context, const void *bytes, size_t size)
{
  char text[96] = "";
  int end = 0;

  if (size < sizeof text)
    memcpy (text, bytes, size);
  if (sscanf (text, "memory=%" SCNd64 " operations=%" SCNd64 "%n", &self->memory, &self->operations, &end) !=
          2 ||
      (size_t)end != size)
    return collet_fail (context, "the state is not \"memory=<integer> operations=<integer>\"");
  return COLLET_OK;
}

/* State format 1, that of versions 1.x: "memory=<integer>". */
static int
write_state_1 (const struct calculator *self, struct collet_context *context)
{
  char text[64];
  int size = snprintf (text, sizeof text, "memory=%" PRId64, self->memory);

  collet_write (context, text, (size_t)size);
  return COLLET_OK;
}

static int
read_state_1 (struct calculator *self, struct collet_context *context, const void *bytes, size_t size)
{
  char text[64] = "";
  int end = 0;

  if (size < sizeof text)
    memcpy (text, bytes, size);
  if (sscanf (text, "memory=%" SCNd64 "%n", &self->memory, &end) != 1 || (size_t)end != size)
    return collet_fail (context, "the state is not \"memory=<integer>\"");
  return COLLET_OK;
}

static int
export_state (void *instance, struct collet_context *context)
{
  return write_state (instance, context);
}

static int
import_state (void *instance, struct collet_context *context, const void *bytes, size_t size)
{
  return read_state (instance, context, bytes, size);
}

/* Bytes in, bytes out; no instance. The host tries it on a copy first. */
static int
code_change (struct collet_context *context, enum collet_direction direction, uint32_t format,
             const void *bytes, size_t size)
{
  struct calculator state = { 0 };

  if (format != 1)
    return collet_fail (context, "calculator 2.0.0 translates state format 1 only");
  if (direction == COLLET_UP)
    return read_state_1 (&state, context, bytes, size) == COLLET_OK ? write_state (&state, context)
                                                                    : COLLET_FAILED;
  return read_state (&state, context, bytes, size) == COLLET_OK ? write_state_1 (&state, context)
                                                                : COLLET_FAILED;
}

/* Runs before a new version is published. */
static int
self_test (void *instance, struct collet_context *context)
{
  struct number two = { .is_whole = true, .whole = 2, .real = 2 };

  (void)instance;
  if (number_add (two, two).whole != 4)
    return collet_fail (context, "2 + 2 is not 4");
  return COLLET_OK;
}

COLLET_MODULE (.init = init, .fini = fini, .call = run_tool, .export_state = export_state,
               .import_state = import_state, .code_change = code_change, .self_test = self_test);
