/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <nettle/sha2.h>
#include <string.h>

#include "collet-elf.h"

#define MAX_HOLES 8

/* A range of the file that counts as zeros. */
struct hole
{
  uint64_t start, end;
};

struct holes
{
  struct hole entries[MAX_HOLES];
  unsigned n;
};

static void
add_hole (struct holes *holes, uint64_t start, uint64_t size)
{
  if (holes->n < MAX_HOLES)
    holes->entries[holes->n++] = (struct hole){ start, start + size };
}

static bool
on_note (void *user_data, const char *owner, GElf_Word type, struct collet_slice note, size_t offset)
{
  if (type == NT_GNU_BUILD_ID && strcmp (owner, "GNU") == 0)
    add_hole (user_data, offset, note.size);
  return true;
}

/* Where a member of the ELF header is depends on the class. */
static void
add_header_holes (struct holes *holes, const struct collet_elf *elf)
{
  if (elf->header.e_ident[EI_CLASS] == ELFCLASS64)
    {
      add_hole (holes, offsetof (Elf64_Ehdr, e_shoff), sizeof (Elf64_Off));
      add_hole (holes, offsetof (Elf64_Ehdr, e_shnum), 2 * sizeof (Elf64_Half)); /* and e_shstrndx */
    }
  else
    {
      add_hole (holes, offsetof (Elf32_Ehdr, e_shoff), sizeof (Elf32_Off));
      add_hole (holes, offsetof (Elf32_Ehdr, e_shnum), 2 * sizeof (Elf32_Half));
    }
}

/* The first hole that ends after `at`; false if there is none. */
static bool
next_hole (const struct holes *holes, uint64_t at, struct hole *found)
{
  bool has_one = false;

  for (unsigned i = 0; i < holes->n; i++)
    if (holes->entries[i].end > at && (!has_one || holes->entries[i].start < found->start))
      {
        *found = holes->entries[i];
        has_one = true;
      }
  return has_one;
}

static void
hash_zeros (struct sha256_ctx *context, uint64_t size)
{
  static const uint8_t zeros[256];

  while (size > 0)
    {
      size_t n = size < sizeof zeros ? size : sizeof zeros;

      sha256_update (context, n, zeros);
      size -= n;
    }
}

static uint64_t
min (uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

static void
hash_range (struct sha256_ctx *context, const struct collet_elf *elf, const struct holes *holes, uint64_t at,
            uint64_t end)
{
  while (at < end)
    {
      struct hole hole = { end, end };
      uint64_t plain_end, hole_end;

      next_hole (holes, at, &hole);
      plain_end = hole.start > at ? min (hole.start, end) : at;
      sha256_update (context, plain_end - at, (const uint8_t *)elf->bytes + at);
      hole_end = plain_end < end ? min (hole.end, end) : end;
      hash_zeros (context, hole_end - plain_end);
      at = hole_end;
    }
}

static void
hash_number (struct sha256_ctx *context, uint64_t number)
{
  uint8_t bytes[8];

  for (unsigned i = 0; i < 8; i++)
    bytes[i] = (uint8_t)(number >> (8 * i));
  sha256_update (context, sizeof bytes, bytes);
}

void
collet_elf_digest (const struct collet_elf *elf, unsigned char digest[32])
{
  struct holes holes = { .n = 0 };
  struct sha256_ctx context;

  add_header_holes (&holes, elf);
  collet_elf_foreach_note (elf, on_note, &holes);
  sha256_init (&context);
  for (size_t i = 0; i < elf->n_segments; i++)
    {
      GElf_Phdr segment;

      if (!collet_elf_get_segment (elf, i, &segment) || segment.p_type != PT_LOAD)
        continue;
      hash_number (&context, segment.p_vaddr);
      hash_number (&context, segment.p_memsz);
      hash_number (&context, segment.p_filesz);
      hash_number (&context, segment.p_flags);
      hash_range (&context, elf, &holes, segment.p_offset, segment.p_offset + segment.p_filesz);
    }
  sha256_digest (&context, 32, digest);
}
