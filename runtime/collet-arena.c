/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-arena.h"

#include <stdlib.h>

#define CHUNK_CAPACITY 2000u

struct collet_arena_chunk
{
  struct collet_arena_chunk *next;
  size_t used, capacity;
  char bytes[];
};

char *
collet_arena_take (struct collet_arena *arena, size_t size)
{
  struct collet_arena_chunk *chunk = arena->chunks;
  char *bytes;

  if (chunk == NULL || size > chunk->capacity - chunk->used)
    {
      size_t capacity = size > CHUNK_CAPACITY ? size : CHUNK_CAPACITY;

      chunk = malloc (sizeof *chunk + capacity);
      if (chunk == NULL)
        return NULL;
      *chunk = (struct collet_arena_chunk){ .next = arena->chunks, .capacity = capacity };
      arena->chunks = chunk;
    }
  bytes = chunk->bytes + chunk->used;
  chunk->used += size;
  return bytes;
}

void
collet_arena_clear (struct collet_arena *arena)
{
  while (arena->chunks != NULL)
    {
      struct collet_arena_chunk *chunk = arena->chunks;

      arena->chunks = chunk->next;
      free (chunk);
    }
}

void
collet_arena_reset (struct collet_arena *arena)
{
  if (arena->chunks != NULL && arena->chunks->next == NULL && arena->chunks->capacity == CHUNK_CAPACITY)
    arena->chunks->used = 0;
  else
    collet_arena_clear (arena);
}
