/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-elf-dynamic.h: the dynamic section of an ELF file: what it needs, how it
 * wants to be loaded, what it exports. Only for a native file.
 */
#ifndef COLLET_ELF_DYNAMIC_H
#define COLLET_ELF_DYNAMIC_H

#include "collet-elf.h"

struct collet_elf_dynamic
{
  const struct collet_elf *elf;
  Elf_Data *entries; /* GElf_Dyn */
  size_t n_entries;
  struct collet_slice names; /* string table */
  Elf_Data *symbols;         /* GElf_Sym; NULL: none */
  size_t n_symbols;
  uint64_t flags, flags_1; /* DF_*, DF_1_* */
  bool has_textrel;
};

/* InvalidModule: there is none, or it leads outside the file. */
bool collet_elf_dynamic_read (struct collet_elf_dynamic *dynamic, const struct collet_elf *elf,
                              struct collet_failure *failure);

/* The nth entry with this tag whose value is a name (DT_NEEDED, DT_RUNPATH, ...);
 * NULL: no more, or damaged. */
const char *
collet_elf_dynamic_get_name (const struct collet_elf_dynamic *dynamic, GElf_Sxword tag, unsigned n);
/* An exported (global or weak, defined) symbol. */
bool
collet_elf_dynamic_find_symbol (const struct collet_elf_dynamic *dynamic, const char *name, GElf_Sym *symbol);
/* How many unique (STB_GNU_UNIQUE) symbols it defines; `first` is one's name. */
size_t collet_elf_dynamic_count_unique (const struct collet_elf_dynamic *dynamic, const char **first);

#endif /* COLLET_ELF_DYNAMIC_H */
