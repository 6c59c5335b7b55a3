/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-elf-dynamic.h"

#include <string.h>

static bool
get_entry (const struct collet_elf_dynamic *dynamic, size_t index, GElf_Dyn *entry)
{
  return gelf_getdyn (dynamic->entries, (int)index, entry) != NULL;
}

static bool
find_value (const struct collet_elf_dynamic *dynamic, GElf_Sxword tag, uint64_t *value)
{
  GElf_Dyn entry;

  for (size_t i = 0; i < dynamic->n_entries && get_entry (dynamic, i, &entry) && entry.d_tag != DT_NULL; i++)
    if (entry.d_tag == tag)
      {
        *value = entry.d_un.d_val;
        return true;
      }
  return false;
}

/* What a pointer among the entries points to. */
static bool
find_table (const struct collet_elf_dynamic *dynamic, GElf_Sxword tag, struct collet_slice *table)
{
  uint64_t address;

  return find_value (dynamic, tag, &address) && collet_elf_find_address (dynamic->elf, address, table);
}

/* A string that ends within the string table. */
static const char *
get_name (const struct collet_elf_dynamic *dynamic, uint64_t offset)
{
  if (offset >= dynamic->names.size ||
      memchr (dynamic->names.text + offset, '\0', dynamic->names.size - offset) == NULL)
    return NULL;
  return dynamic->names.text + offset;
}

/* The file is native, so words are in this program's byte order. */
static bool
read_word (const struct collet_slice *table, uint64_t index, uint32_t *word)
{
  if (index >= table->size / sizeof *word)
    return false;
  memcpy (word, table->text + index * sizeof *word, sizeof *word);
  return true;
}

/* The table of symbols has no length of its own; the hash table over it tells.
 * Past the highest bucket's chain there are no more. */
static bool
count_by_gnu_hash (const struct collet_elf_dynamic *dynamic, size_t *n)
{
  const uint64_t words_per_bloom = dynamic->elf->header.e_ident[EI_CLASS] == ELFCLASS64 ? 2 : 1;
  struct collet_slice table;
  uint32_t n_buckets, first, n_blooms, word = 0, highest = 0;
  uint64_t buckets;

  if (!find_table (dynamic, DT_GNU_HASH, &table) || !read_word (&table, 0, &n_buckets) ||
      !read_word (&table, 1, &first) || !read_word (&table, 2, &n_blooms))
    return false;
  buckets = 4 + n_blooms * words_per_bloom;
  for (uint64_t i = 0; i < n_buckets; i++)
    {
      if (!read_word (&table, buckets + i, &word))
        return false;
      highest = word > highest ? word : highest;
    }
  if (highest < first)
    {
      *n = first;
      return true;
    }
  for (*n = highest;; (*n)++)
    {
      if (!read_word (&table, buckets + n_buckets + (*n - first), &word))
        return false;
      if (word & 1)
        {
          (*n)++;
          return true;
        }
    }
}

static bool
count_symbols (const struct collet_elf_dynamic *dynamic, size_t *n)
{
  struct collet_slice table;
  uint32_t chains;

  if (find_table (dynamic, DT_HASH, &table) && read_word (&table, 1, &chains))
    {
      *n = chains;
      return true;
    }
  return count_by_gnu_hash (dynamic, n);
}

/* Damage makes a file without symbols, which is refused for want of one. */
static void
read_symbols (struct collet_elf_dynamic *dynamic)
{
  const size_t symbol_size = gelf_fsize (dynamic->elf->elf, ELF_T_SYM, 1, EV_CURRENT);
  struct collet_slice table;
  size_t n;

  if (!find_table (dynamic, DT_SYMTAB, &table) || !count_symbols (dynamic, &n) ||
      n > table.size / symbol_size)
    return;
  dynamic->symbols =
      elf_getdata_rawchunk (dynamic->elf->elf, table.text - dynamic->elf->bytes, n * symbol_size, ELF_T_SYM);
  dynamic->n_symbols = dynamic->symbols != NULL ? n : 0;
}

static bool
read_entries (struct collet_elf_dynamic *dynamic)
{
  const size_t entry_size = gelf_fsize (dynamic->elf->elf, ELF_T_DYN, 1, EV_CURRENT);
  GElf_Phdr segment;

  if (!collet_elf_find_segment (dynamic->elf, PT_DYNAMIC, &segment) || segment.p_filesz < entry_size)
    return false;
  dynamic->n_entries = segment.p_filesz / entry_size;
  dynamic->entries = elf_getdata_rawchunk (dynamic->elf->elf, (int64_t)segment.p_offset,
                                           dynamic->n_entries * entry_size, ELF_T_DYN);
  return dynamic->entries != NULL;
}

bool
collet_elf_dynamic_read (struct collet_elf_dynamic *dynamic, const struct collet_elf *elf,
                         struct collet_failure *failure)
{
  uint64_t size, unused;

  memset (dynamic, 0, sizeof *dynamic);
  dynamic->elf = elf;
  if (!read_entries (dynamic))
    return collet_failure_set (failure, "InvalidModule", "Link it with -shared.",
                               "It has no dynamic section, so it cannot be loaded.");
  if (!find_table (dynamic, DT_STRTAB, &dynamic->names) || !find_value (dynamic, DT_STRSZ, &size))
    return collet_failure_set (failure, "InvalidModule", "Build it again.",
                               "Its dynamic section names no string table that is in the file.");
  if (size < dynamic->names.size)
    dynamic->names.size = size;
  find_value (dynamic, DT_FLAGS, &dynamic->flags);
  find_value (dynamic, DT_FLAGS_1, &dynamic->flags_1);
  dynamic->has_textrel = (dynamic->flags & DF_TEXTREL) != 0 || find_value (dynamic, DT_TEXTREL, &unused);
  read_symbols (dynamic);
  return true;
}

const char *
collet_elf_dynamic_get_name (const struct collet_elf_dynamic *dynamic, GElf_Sxword tag, unsigned n)
{
  GElf_Dyn entry;

  for (size_t i = 0; i < dynamic->n_entries && get_entry (dynamic, i, &entry) && entry.d_tag != DT_NULL; i++)
    if (entry.d_tag == tag && n-- == 0)
      return get_name (dynamic, entry.d_un.d_val);
  return NULL;
}

bool
collet_elf_dynamic_find_symbol (const struct collet_elf_dynamic *dynamic, const char *name, GElf_Sym *symbol)
{
  for (size_t i = 0; i < dynamic->n_symbols && gelf_getsym (dynamic->symbols, (int)i, symbol) != NULL; i++)
    {
      const unsigned binding = GELF_ST_BIND (symbol->st_info);
      const char *found = get_name (dynamic, symbol->st_name);

      if (found != NULL && symbol->st_shndx != SHN_UNDEF && (binding == STB_GLOBAL || binding == STB_WEAK) &&
          strcmp (found, name) == 0)
        return true;
    }
  return false;
}

size_t
collet_elf_dynamic_count_unique (const struct collet_elf_dynamic *dynamic, const char **first)
{
  GElf_Sym symbol;
  size_t n = 0;

  for (size_t i = 0; i < dynamic->n_symbols && gelf_getsym (dynamic->symbols, (int)i, &symbol) != NULL; i++)
    if (GELF_ST_BIND (symbol.st_info) == STB_GNU_UNIQUE && symbol.st_shndx != SHN_UNDEF)
      {
        const char *name = get_name (dynamic, symbol.st_name);

        if (n++ == 0)
          *first = name != NULL ? name : "?";
      }
  return n;
}
