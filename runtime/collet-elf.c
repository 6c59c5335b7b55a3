/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-elf.h"

#include <link.h>
#include <stdio.h>
#include <string.h>

#include "collet-module.h"

static const char remedy_copy[] =
    "Build or copy it again; copy to a temporary name and rename it when it is complete.";

/* The linker puts it at the first byte of this program: its own ELF header says
 * what is native, on any architecture. */
extern const ElfW (Ehdr) __ehdr_start __attribute__ ((visibility ("hidden")));

static const char *
machine_name (unsigned machine)
{
  static const struct
  {
    unsigned machine;
    const char *name;
  } names[] = { { EM_X86_64, "x86-64" }, { EM_AARCH64, "AArch64" }, { EM_386, "i386" },
                { EM_ARM, "ARM" },       { EM_RISCV, "RISC-V" },    { EM_PPC64, "POWER" },
                { EM_S390, "s390" },     { EM_MIPS, "MIPS" },       { EM_SPARCV9, "SPARC V9" } };

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].machine == machine)
      return names[i].name;
  return NULL;
}

static void
describe (unsigned machine, unsigned char elf_class, unsigned char order, char *out, size_t size)
{
  const char *name = machine_name (machine);
  char number[32];

  snprintf (number, sizeof number, "machine %u", machine);
  snprintf (out, size, "%s, %s bit, %s endian", name != NULL ? name : number,
            elf_class == ELFCLASS64 ? "64" : "32", order == ELFDATA2LSB ? "little" : "big");
}

void
collet_elf_describe_machine (const struct collet_elf *elf, char *out, size_t size)
{
  describe (elf->header.e_machine, elf->header.e_ident[EI_CLASS], elf->header.e_ident[EI_DATA], out, size);
}

void
collet_elf_describe_native (char *out, size_t size)
{
  describe (__ehdr_start.e_machine, __ehdr_start.e_ident[EI_CLASS], __ehdr_start.e_ident[EI_DATA], out, size);
}

static bool
is_native (const GElf_Ehdr *header)
{
  return header->e_machine == __ehdr_start.e_machine &&
         header->e_ident[EI_CLASS] == __ehdr_start.e_ident[EI_CLASS] &&
         header->e_ident[EI_DATA] == __ehdr_start.e_ident[EI_DATA];
}

static bool
is_within (const struct collet_elf *elf, uint64_t offset, uint64_t size)
{
  return offset <= elf->size && size <= elf->size - offset;
}

static bool
refuse_cut (const struct collet_elf *elf, const char *what, uint64_t end, struct collet_failure *failure)
{
  return collet_failure_set (
      failure, "InvalidModule", remedy_copy,
      "The file ends at byte %zu, but %s would reach to byte %llu: it is damaged or cut off.", elf->size,
      what, (unsigned long long)end);
}

static bool
check_segments (const struct collet_elf *elf, struct collet_failure *failure)
{
  bool has_code = false;

  for (size_t i = 0; i < elf->n_segments; i++)
    {
      GElf_Phdr segment;

      if (!collet_elf_get_segment (elf, i, &segment))
        return refuse_cut (elf, "its program headers", elf->header.e_phoff, failure);
      if (segment.p_type != PT_LOAD)
        continue;
      if (!is_within (elf, segment.p_offset, segment.p_filesz))
        return refuse_cut (elf, "a segment", segment.p_offset + segment.p_filesz, failure);
      has_code = true;
    }
  return has_code ||
         collet_failure_set (failure, "InvalidModule", "Link it with -shared.",
                             "It has nothing to load: it is an ELF file, but neither program nor library.");
}

static bool
check_structure (struct collet_elf *elf, struct collet_failure *failure)
{
  const uint64_t sections_end = elf->header.e_shoff + (uint64_t)elf->header.e_shentsize * elf->header.e_shnum;

  if (elf_getphdrnum (elf->elf, &elf->n_segments) != 0)
    return refuse_cut (elf, "its program headers", elf->header.e_phoff, failure);
  /* The section headers are not needed, but they are at the end: a file that was
   * not written to its end lacks them. */
  if (elf->header.e_shoff != 0 && (elf->header.e_shoff > elf->size || sections_end > elf->size))
    return refuse_cut (elf, "its section headers", sections_end, failure);
  return check_segments (elf, failure);
}

static bool
check_magic (const char *bytes, size_t size, struct collet_failure *failure)
{
  char start[3 * 8 + 1] = "";

  if (size >= SELFMAG && memcmp (bytes, ELFMAG, SELFMAG) == 0)
    return true;
  for (size_t i = 0; i < size && i < 8; i++)
    snprintf (start + 3 * i, 4, "%02x ", (unsigned char)bytes[i]);
  return collet_failure_set (failure, "InvalidModule", "Give a shared object (.so) built with -shared.",
                             size == 0 ? "The file is empty%s."
                                       : "It is no ELF file: it begins with the bytes %s.",
                             start);
}

bool
collet_elf_open (struct collet_elf *elf, const char *bytes, size_t size, struct collet_failure *failure)
{
  memset (elf, 0, sizeof *elf);
  elf->bytes = bytes;
  elf->size = size;
  if (!check_magic (bytes, size, failure))
    return false;
  elf_version (EV_CURRENT);
  /* It reads only; the parameter is not const for the sake of writers. */
  elf->elf = elf_memory ((char *)bytes, size);
  if (elf->elf == NULL || elf_kind (elf->elf) != ELF_K_ELF || gelf_getehdr (elf->elf, &elf->header) == NULL)
    {
      collet_failure_set (failure, "InvalidModule", remedy_copy,
                          "Its ELF header, in %zu bytes, cannot be read: %s.", size, elf_errmsg (-1));
      collet_elf_close (elf);
      return false;
    }
  elf->is_native = is_native (&elf->header);
  if (check_structure (elf, failure))
    return true;
  collet_elf_close (elf);
  return false;
}

void
collet_elf_close (struct collet_elf *elf)
{
  if (elf->elf != NULL)
    elf_end (elf->elf);
  elf->elf = NULL;
}

bool
collet_elf_get_segment (const struct collet_elf *elf, size_t index, GElf_Phdr *segment)
{
  return gelf_getphdr (elf->elf, (int)index, segment) != NULL;
}

bool
collet_elf_find_segment (const struct collet_elf *elf, GElf_Word type, GElf_Phdr *segment)
{
  for (size_t i = 0; i < elf->n_segments; i++)
    if (collet_elf_get_segment (elf, i, segment) && segment->p_type == type)
      return true;
  return false;
}

bool
collet_elf_find_address (const struct collet_elf *elf, GElf_Addr address, struct collet_slice *found)
{
  for (size_t i = 0; i < elf->n_segments; i++)
    {
      GElf_Phdr segment;

      if (!collet_elf_get_segment (elf, i, &segment) || segment.p_type != PT_LOAD ||
          address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz ||
          !is_within (elf, segment.p_offset, segment.p_filesz))
        continue;
      *found = (struct collet_slice){ elf->bytes + segment.p_offset + (address - segment.p_vaddr),
                                      segment.p_filesz - (address - segment.p_vaddr) };
      return true;
    }
  return false;
}

/* False: the callback has enough. */
static bool
walk_notes (const struct collet_elf *elf, const GElf_Phdr *segment, collet_elf_note_func callback,
            void *user_data)
{
  const Elf_Type kind = segment->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR;
  Elf_Data *data;
  size_t at = 0, next, name_at, note_at;
  GElf_Nhdr header;

  if (!is_within (elf, segment->p_offset, segment->p_filesz))
    return true;
  data = elf_getdata_rawchunk (elf->elf, (int64_t)segment->p_offset, segment->p_filesz, kind);
  if (data == NULL)
    return true;
  while (at < data->d_size && (next = gelf_getnote (data, at, &header, &name_at, &note_at)) > 0)
    {
      const struct collet_slice note = { (const char *)data->d_buf + note_at, header.n_descsz };
      const char *name = (const char *)data->d_buf + name_at;
      /* An owner is NUL-terminated, or it is none that anybody knows. */
      const bool has_owner = header.n_namesz > 0 && name[header.n_namesz - 1] == '\0';

      if (has_owner && !callback (user_data, name, header.n_type, note, segment->p_offset + note_at))
        return false;
      at = next;
    }
  return true;
}

void
collet_elf_foreach_note (const struct collet_elf *elf, collet_elf_note_func callback, void *user_data)
{
  for (size_t i = 0; i < elf->n_segments; i++)
    {
      GElf_Phdr segment;

      if (collet_elf_get_segment (elf, i, &segment) && segment.p_type == PT_NOTE &&
          !walk_notes (elf, &segment, callback, user_data))
        return;
    }
}
