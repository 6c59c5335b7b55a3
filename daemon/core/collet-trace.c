/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-trace.h"

#include <pthread.h>
#include <string.h>

#define DIGITS "0123456789abcdef"
#define PARENT_SIZE 55 /* 00-<trace-id>-<parent-id>-<flags> */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static guint64 seed[2];
static guint64 last;

static void
make_seed (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (seed); i++)
    seed[i] = (guint64)g_random_int () << 32 | g_random_int ();
  seed[0] |= 1; /* so that no id is all zero */
}

static void
write_hex (char *text, guint64 number)
{
  for (guint i = 0; i < 16; i++, number <<= 4)
    text[i] = DIGITS[number >> 60];
}

void
collet_trace_make (char trace[COLLET_TRACE_SIZE])
{
  pthread_once (&once, make_seed);
  write_hex (trace, seed[0]);
  write_hex (trace + 16, seed[1] + __atomic_add_fetch (&last, 1, __ATOMIC_RELAXED));
  trace[COLLET_TRACE_SIZE - 1] = '\0';
}

static gboolean
is_hex (const char *text, gsize size)
{
  for (gsize i = 0; i < size; i++)
    if (text[i] == '\0' || !strchr (DIGITS, text[i]))
      return FALSE;
  return TRUE;
}

gboolean
collet_trace_from_parent (const char *text, gsize size, char trace[COLLET_TRACE_SIZE])
{
  const char *id = text + 3;

  /* Later versions may have more behind another dash; ff is none. */
  if (size < PARENT_SIZE ||
      (size > PARENT_SIZE && (text[PARENT_SIZE] != '-' || memcmp (text, "00", 2) == 0)) ||
      !is_hex (text, 2) || memcmp (text, "ff", 2) == 0 || text[2] != '-' || !is_hex (id, 32) ||
      text[35] != '-' || !is_hex (text + 36, 16) || text[52] != '-' || !is_hex (text + 53, 2) ||
      strspn (id, "0") >= 32)
    return FALSE;
  memcpy (trace, id, 32);
  trace[COLLET_TRACE_SIZE - 1] = '\0';
  return TRUE;
}
