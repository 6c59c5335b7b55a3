/* SPDX-License-Identifier: 0BSD
 *
 * calculator-1.0.0.c: four operations and a memory register. Compare it with
 * 1.1.0, which adds a tool, and with 2.0.0, which changes the state.
 */
#include "arithmetic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The state: what a hot reload hands on to the next version. */
struct calculator
{
  int64_t memory;
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
calculate (struct collet_call *call, calculation *operation)
{
  struct number a, b;
  char text[NUMBER_TEXT], json[NUMBER_TEXT + 32];

  /* The host has checked the arguments against the inputSchema. */
  if (!number_get (call, "a", &a) || !number_get (call, "b", &b))
    return collet_call_fail (call, "a and b must be numbers");
  if (operation == number_divide && number_is_zero (b))
    return collet_call_fail (call, "division by zero");
  if (!number_format (operation (a, b), text))
    return collet_call_fail (call, "the result is not a finite number");

  snprintf (json, sizeof json, "{\"result\":%s}", text);
  collet_add_text (call, text);
  collet_set_structured (call, json);
  return COLLET_OK;
}

static int
answer_memory (const struct calculator *self, struct collet_call *call)
{
  char json[64];

  snprintf (json, sizeof json, "{\"memory\":%" PRId64 "}", self->memory);
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
  { "add", number_add },
  { "subtract", number_subtract },
  { "multiply", number_multiply },
  { "divide", number_divide },
};

static int
run_tool (void *instance, const char *tool, struct collet_call *call)
{
  struct calculator *self = instance;

  for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
    if (strcmp (tool, operations[i].tool) == 0)
      return calculate (call, operations[i].operation);

  if (strcmp (tool, "memory_add") == 0)
    return memory_add (self, call);
  if (strcmp (tool, "memory_get") == 0)
    return answer_memory (self, call);
  if (strcmp (tool, "memory_clear") == 0)
    return memory_clear (self, call);
  return collet_call_fail (call, "no such tool");
}

/* State format 1: "memory=<integer>". */
static int
export_state (void *instance, struct collet_context *context)
{
  const struct calculator *self = instance;
  char text[64];
  int size = snprintf (text, sizeof text, "memory=%" PRId64, self->memory);

  collet_write (context, text, (size_t)size);
  return COLLET_OK;
}

static int
import_state (void *instance, struct collet_context *context, const void *bytes, size_t size)
{
  struct calculator *self = instance;
  char text[64] = "";
  int end = 0;

  if (size < sizeof text)
    memcpy (text, bytes, size);
  if (sscanf (text, "memory=%" SCNd64 "%n", &self->memory, &end) != 1 || (size_t)end != size)
    return collet_fail (context, "the state is not \"memory=<integer>\"");
  return COLLET_OK;
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
               .import_state = import_state, .self_test = self_test);
