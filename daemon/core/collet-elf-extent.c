/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-elf-extent.h"

#include <elf.h>
#include <string.h>

#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define NATIVE_DATA ELFDATA2LSB
#else
#define NATIVE_DATA ELFDATA2MSB
#endif

/* What wraps around is longer than any file. */
static guint64
end_of (guint64 offset, guint64 size)
{
  guint64 end;

  return g_uint64_checked_add (&end, offset, size) ? end : G_MAXUINT64;
}

gboolean
collet_elf_get_extent (const guint8 *head, gsize n, guint64 *extent)
{
  Elf64_Ehdr header;

  if (n < sizeof header)
    return FALSE;
  memcpy (&header, head, sizeof header);
  if (memcmp (header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != NATIVE_DATA)
    return FALSE;

  *extent = end_of (header.e_shoff, (guint64)header.e_shnum * header.e_shentsize);
  *extent = MAX (*extent, end_of (header.e_phoff, (guint64)header.e_phnum * header.e_phentsize));
  for (guint i = 0; header.e_phentsize == sizeof (Elf64_Phdr) && i < header.e_phnum; i++)
    {
      guint64 at = end_of (header.e_phoff, (guint64)i * sizeof (Elf64_Phdr));
      Elf64_Phdr program;

      if (end_of (at, sizeof program) > n)
        break;
      memcpy (&program, head + at, sizeof program);
      *extent = MAX (*extent, end_of (program.p_offset, program.p_filesz));
    }
  return TRUE;
}
