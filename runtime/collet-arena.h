/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-arena.h: strings that live until a call returns.
 */
#ifndef COLLET_ARENA_H
#define COLLET_ARENA_H

#include <stddef.h>

struct collet_arena_chunk;

struct collet_arena
{
  struct collet_arena_chunk *chunks; /* the newest first */
};

/* NULL without memory. What was given out before does not move. */
char *collet_arena_take (struct collet_arena *arena, size_t size);
/* Everything given out is gone; a first small chunk is kept. */
void collet_arena_reset (struct collet_arena *arena);
void collet_arena_clear (struct collet_arena *arena);

#endif /* COLLET_ARENA_H */
