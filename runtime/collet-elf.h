/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-elf.h: what an ELF file says, read as the dynamic loader would read it
 * (program headers, never sections), without believing any of it: every offset
 * and size is checked against the file. Uses libelf; nothing of the file runs.
 */
#ifndef COLLET_ELF_H
#define COLLET_ELF_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collet-arguments.h"
#include "collet-failure.h"

struct collet_elf
{
  const char *bytes;
  size_t size;
  Elf *elf;
  GElf_Ehdr header;
  size_t n_segments;
  bool is_native; /* class, byte order and machine are this program's */
};

/* The bytes must outlive it. InvalidModule: no ELF, damaged or cut off. */
bool collet_elf_open (struct collet_elf *elf, const char *bytes, size_t size, struct collet_failure *failure);
void collet_elf_close (struct collet_elf *elf);

/* "x86-64, 64 bit" */
void collet_elf_describe_machine (const struct collet_elf *elf, char *out, size_t size);
/* The same for this program. */
void collet_elf_describe_native (char *out, size_t size);

bool collet_elf_get_segment (const struct collet_elf *elf, size_t index, GElf_Phdr *segment);
/* First of this type; false if there is none. */
bool collet_elf_find_segment (const struct collet_elf *elf, GElf_Word type, GElf_Phdr *segment);
/* What is in the file for an address in memory, up to the end of its segment. */
bool collet_elf_find_address (const struct collet_elf *elf, GElf_Addr address, struct collet_slice *found);

/* Notes of all PT_NOTE segments, until the callback returns false. */
typedef bool (*collet_elf_note_func) (void *user_data, const char *owner, GElf_Word type,
                                      struct collet_slice note, size_t offset);
void collet_elf_foreach_note (const struct collet_elf *elf, collet_elf_note_func callback, void *user_data);

/* SHA-256 of what is loaded at run time: the contents of all PT_LOAD segments and
 * where they go, but not where the section headers are, and not the GNU build-id.
 * So builds with and without debug information, stripped or not, are equal. */
void collet_elf_digest (const struct collet_elf *elf, unsigned char digest[32]);

#endif /* COLLET_ELF_H */
