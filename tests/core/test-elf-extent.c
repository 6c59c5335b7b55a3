/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-elf-extent.h"

#include <elf.h>
#include <string.h>

static guint64
extent_of (const Elf64_Ehdr *header, const Elf64_Phdr *programs)
{
  guint8 head[COLLET_ELF_HEAD_SIZE] = { 0 };
  guint64 extent = 0;

  memcpy (head, header, sizeof *header);
  if (programs != NULL)
    memcpy (head + header->e_phoff, programs, header->e_phnum * sizeof *programs);
  g_assert_true (collet_elf_get_extent (head, sizeof head, &extent));
  return extent;
}

static Elf64_Ehdr
new_header (void)
{
  Elf64_Ehdr header = { .e_phoff = sizeof header, .e_phentsize = sizeof (Elf64_Phdr) };

  memcpy (header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;
  return header;
}

static void
test_sections (void)
{
  Elf64_Ehdr header = new_header ();

  header.e_shoff = 100000;
  header.e_shnum = 30;
  header.e_shentsize = sizeof (Elf64_Shdr);
  g_assert_cmpuint (extent_of (&header, NULL), ==, 100000 + 30 * sizeof (Elf64_Shdr));
}

/* As strip --strip-section-headers leaves it. */
static void
test_segments (void)
{
  Elf64_Ehdr header = new_header ();
  const Elf64_Phdr programs[] = { { .p_offset = 5000, .p_filesz = 700 }, { .p_offset = 0, .p_filesz = 900 } };

  header.e_phnum = 2;
  g_assert_cmpuint (extent_of (&header, programs), ==, 5700);
}

static void
test_overflow (void)
{
  Elf64_Ehdr header = new_header ();
  const Elf64_Phdr program = { .p_offset = G_MAXUINT64, .p_filesz = 2 };

  header.e_phnum = 1;
  g_assert_cmpuint (extent_of (&header, &program), ==, G_MAXUINT64);
  header.e_phnum = 0xffff; /* more than there are: not read behind the end */
  header.e_phoff = COLLET_ELF_HEAD_SIZE - 10;
  g_assert_cmpuint (extent_of (&header, NULL), >, COLLET_ELF_HEAD_SIZE);
  header.e_phoff = G_MAXUINT64 - 3;
  g_assert_cmpuint (extent_of (&header, NULL), ==, G_MAXUINT64);
}

static void
test_no_elf (void)
{
  Elf64_Ehdr header = new_header ();
  guint64 extent;

  g_assert_false (collet_elf_get_extent ((const guint8 *)&header, sizeof header - 1, &extent));
  g_assert_true (collet_elf_get_extent ((const guint8 *)&header, sizeof header, &extent));
  header.e_ident[EI_CLASS] = ELFCLASS32;
  g_assert_false (collet_elf_get_extent ((const guint8 *)&header, sizeof header, &extent));
  header.e_ident[0] = 0;
  g_assert_false (collet_elf_get_extent ((const guint8 *)&header, sizeof header, &extent));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/elf-extent/goes-to-the-end-of-the-sections", test_sections);
  g_test_add_func ("/core/elf-extent/goes-to-the-end-of-the-segments", test_segments);
  g_test_add_func ("/core/elf-extent/what-wraps-around-is-longer-than-any-file", test_overflow);
  g_test_add_func ("/core/elf-extent/another-file-has-none", test_no_elf);
  return g_test_run ();
}
