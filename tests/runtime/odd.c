/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * odd.c: shared objects with one peculiarity each, never run. */
#include "collet-module.h"

#define ODD_EXPORT __attribute__ ((visibility ("default"), used))

COLLET_MANIFEST ("{\"name\":\"odd\"}");

#ifdef TWO_MANIFESTS
__attribute__ ((section (COLLET_NOTE_SECTION), used, aligned (4))) static const struct
{
  uint32_t owner_size, size, type;
  char owner[8];
  char text[4];
} second = { 7, 2, COLLET_NOTE_MANIFEST, COLLET_NOTE_OWNER, "{}" };
#endif

#ifdef LARGE_NOTE
#define LARGE_SIZE (256 * 1024 + 1)
__attribute__ ((section (COLLET_NOTE_SECTION), used, aligned (4))) static const struct
{
  uint32_t owner_size, size, type;
  char owner[8];
  char text[LARGE_SIZE + 3];
} large = { 7, LARGE_SIZE, 4711, COLLET_NOTE_OWNER, "x" };
#endif

#ifdef UNIQUE_SYMBOL
__asm__(".pushsection .data\n.globl odd_unique\n.type odd_unique, @gnu_unique_object\nodd_unique: .quad 1\n"
        ".size odd_unique, 8\n.popsection");
#endif

#ifdef FUNCTION_SYMBOL
ODD_EXPORT int collet_module (void);
int
collet_module (void)
{
  return 0;
}
#elif defined(SMALL_SYMBOL)
ODD_EXPORT const int collet_module = 0;
#else
static int
call (void *instance, const char *tool, struct collet_call *call)
{
  (void)instance;
  (void)tool;
  (void)call;
  return COLLET_OK;
}

COLLET_MODULE (.call = call);
#endif
