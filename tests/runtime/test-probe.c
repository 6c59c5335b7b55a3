/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <elf.h>
#include <glib.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "collet-buffer.h"
#include "collet-probe.h"

typedef struct
{
  char *bytes;
  gsize size;
} File;

static void
file_load (File *file, const char *name)
{
  g_autofree char *path = g_build_filename (g_getenv ("COLLET_KIT_DIR"), name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &file->bytes, &file->size, &error);
  g_assert_no_error (error);
}

static void
file_clear (File *file)
{
  g_free (file->bytes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (File, file_clear)

static char *
examine (const char *bytes, gsize size)
{
  struct collet_buffer report;
  gsize unused;

  collet_buffer_init (&report, 1 << 20);
  collet_probe_read_bytes (bytes, size, &report);
  g_assert_false (report.overflowed);
  return collet_buffer_steal (&report, &unused);
}

static char *
examine_module (const char *name)
{
  g_auto (File) file = { NULL };

  file_load (&file, name);
  return examine (file.bytes, file.size);
}

/* Value of a text member of the report. */
static char *
member (const char *report, const char *name)
{
  g_autofree char *key = g_strdup_printf ("\"%s\":\"", name);
  const char *start = strstr (report, key);

  if (start == NULL)
    return NULL;
  start += strlen (key);
  return g_strndup (start, strcspn (start, "\""));
}

static void
expect_outcome (const char *report, const char *check, const char *outcome)
{
  g_autofree char *text = g_strdup_printf ("{\"name\":\"%s\",\"outcome\":\"%s\"", check, outcome);

  if (strstr (report, text) == NULL)
    g_error ("not %s %s: %s", check, outcome, report);
}

static void
expect_failure (const char *report, const char *check, const char *error, const char *words)
{
  g_autofree char *name = member (report, "error");
  g_autofree char *message = member (report, "message");

  expect_outcome (report, check, "failed");
  g_assert_cmpstr (name, ==, error);
  if (strstr (message, words) == NULL)
    g_error ("\"%s\" instead of \"%s\"", message, words);
}

static void
test_sound (void)
{
  g_autofree char *report = examine_module ("kit.so");
  g_autofree char *digest = member (report, "code_digest");

  g_assert_null (strstr (report, "warning"));
  g_assert_null (strstr (report, "failed"));
  g_assert_null (strstr (report, "\"error\""));
  g_assert_nonnull (strstr (
      report, "\"manifest\":\"{\\\"name\\\":\\\"kit\\\",\\\"version\\\":\\\"1.0.0\\\",\\\"tools\\\":[]}\""));
  g_assert_cmpuint (strlen (digest), ==, 64);
}

static void
test_not_elf (void)
{
  static const struct
  {
    const char *bytes;
    gsize size;
    const char *words;
  } rows[] = { { "", 0, "empty" },
               { "#!/bin/sh\n", 10, "no ELF file: it begins with the bytes 23 21 2f" },
               { "\x7f"
                 "ELF",
                 4, "ELF header" },
               { "\x7f"
                 "ELF\x02\x01\x01",
                 7, "ELF header" } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *report = examine (rows[i].bytes, rows[i].size);

      expect_failure (report, "elf-format", "InvalidModule", rows[i].words);
      expect_outcome (report, "machine", "skipped");
      expect_outcome (report, "exec-stack", "skipped");
      g_assert_null (strstr (report, "code_digest"));
    }
}

/* Wherever a copy stopped. */
static void
test_cut_off (void)
{
  g_auto (File) file = { NULL };

  file_load (&file, "kit.so");
  for (gsize size = 1; size < file.size; size += 97)
    {
      g_autofree char *copy = g_memdup2 (file.bytes, size); /* exact, for the sanitizers */
      g_autofree char *report = examine (copy, size);

      expect_outcome (report, "elf-format", "failed");
    }
}

static ElfW (Ehdr) * header_of (File *file)
{
  return (ElfW (Ehdr) *)(void *)file->bytes;
}

static void
test_patched_header (void)
{
  g_auto (File) file = { NULL };
  g_autofree char *machine = NULL;
  g_autofree char *object = NULL;
  g_autofree char *program = NULL;
  g_autofree char *order = NULL;

  file_load (&file, "kit.so");
  header_of (&file)->e_machine ^= 1;
  machine = examine (file.bytes, file.size);
  expect_failure (machine, "machine", "InvalidModule", "another machine");
  expect_outcome (machine, "type", "skipped");
  header_of (&file)->e_machine ^= 1;

  header_of (&file)->e_type = ET_REL;
  object = examine (file.bytes, file.size);
  expect_failure (object, "type", "InvalidModule", "an object file");
  header_of (&file)->e_type = ET_EXEC;
  program = examine (file.bytes, file.size);
  expect_failure (program, "type", "InvalidModule", "a program");
  header_of (&file)->e_type = ET_DYN;

  header_of (&file)->e_ident[EI_DATA] ^= 3; /* little <-> big */
  order = examine (file.bytes, file.size);
  expect_outcome (order, "elf-format", "failed");
}

static void
test_program (void)
{
  g_autofree char *bytes = NULL;
  g_autofree char *report = NULL;
  gsize size;

  g_assert_true (g_file_get_contents ("/proc/self/exe", &bytes, &size, NULL));
  report = examine (bytes, size);
  expect_outcome (report, "machine", "passed");
  expect_failure (report, "type", "InvalidModule", "a program");
}

static void
test_peculiar (void)
{
  static const struct
  {
    const char *file, *check, *outcome;
  } rows[] = {
    { "odd-plain.so", "symbol", "passed" },
    { "odd-sysv-hash.so", "symbol", "passed" },
    { "odd-large-note.so", "manifest-note", "passed" },
    { "odd-function.so", "symbol", "failed" },
    { "odd-small.so", "symbol", "failed" },
    { "odd-two-manifests.so", "manifest-note", "failed" },
    { "odd-unique.so", "unique-symbols", "warning" },
    { "odd-exec-stack.so", "exec-stack", "warning" },
    { "odd-runpath.so", "needed", "warning" },
    { "odd-nodelete.so", "nodelete", "warning" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *report = examine_module (rows[i].file);

      g_test_message ("%s", rows[i].file);
      expect_outcome (report, rows[i].check, rows[i].outcome);
      /* And nothing but the peculiarity is found. */
      g_assert_cmpint ((strstr (report, "\"warning\"") != NULL), ==,
                       g_str_equal (rows[i].outcome, "warning"));
      g_assert_cmpint ((strstr (report, "\"failed\"") != NULL), ==, g_str_equal (rows[i].outcome, "failed"));
    }
}

/* Finds the manifest's text in the file. */
static char *
find_manifest (File *file)
{
  char *found = memmem (file->bytes, file->size, "{\"name\":\"kit\"", 13);

  g_assert_nonnull (found);
  return found;
}

static void
test_manifest_text (void)
{
  g_auto (File) file = { NULL };
  g_autofree char *latin = NULL;
  g_autofree char *nul = NULL;
  char *text;

  file_load (&file, "kit.so");
  text = find_manifest (&file);
  text[9] = '\xe9';
  latin = examine (file.bytes, file.size);
  expect_failure (latin, "manifest-note", "InvalidManifest", "not UTF-8");
  g_assert_null (strstr (latin, "\"manifest\""));
  text[9] = '\0';
  nul = examine (file.bytes, file.size);
  expect_failure (nul, "manifest-note", "InvalidManifest", "not UTF-8");
}

static void
test_manifest_sizes (void)
{
  g_auto (File) file = { NULL };
  const guint32 sizes[] = { 0x7fffffff, 0xffffffff, 0xfffffff0, 100000 };

  file_load (&file, "kit.so");
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *report = NULL;

      memcpy (find_manifest (&file) - 16, &sizes[i], sizeof sizes[i]); /* n_descsz, before type and owner */
      report = examine (file.bytes, file.size);
      expect_outcome (report, "manifest-note", "failed");
    }
}

static char *
digest_of (const char *name)
{
  g_autofree char *report = examine_module (name);
  char *digest = member (report, "code_digest");

  g_assert_nonnull (digest);
  return digest;
}

static void
test_digest (void)
{
  g_autofree char *plain = digest_of ("kit-plain.so");
  g_autofree char *debug = digest_of ("kit-debug.so");
  g_autofree char *other = digest_of ("kit-other.so");
  g_autofree char *plain_report = examine_module ("kit-plain.so");
  g_autofree char *debug_report = examine_module ("kit-debug.so");
  g_autofree char *plain_id = member (plain_report, "build_id");
  g_autofree char *debug_id = member (debug_report, "build_id");

  g_assert_cmpstr (plain, ==, debug);
  g_assert_cmpstr (plain, !=, other);
  g_assert_cmpstr (plain_id, ==, "1111111111111111111111111111111111111111");
  g_assert_cmpstr (debug_id, ==, "2222222222222222222222222222222222222222");
}

/* Every byte of the code counts. */
static void
test_digest_of_code (void)
{
  g_auto (File) file = { NULL };
  g_autofree char *before = NULL;
  g_autofree char *digest_before = NULL;
  const ElfW (Phdr) * segment;

  file_load (&file, "kit-plain.so");
  before = examine (file.bytes, file.size);
  digest_before = member (before, "code_digest");
  segment = (const ElfW (Phdr) *)(void *)(file.bytes + header_of (&file)->e_phoff);
  while (segment->p_type != PT_LOAD || (segment->p_flags & PF_X) == 0)
    segment++;
  for (gsize at = segment->p_offset; at < segment->p_offset + segment->p_filesz; at += 101)
    {
      g_autofree char *after = NULL;
      g_autofree char *digest_after = NULL;

      file.bytes[at] ^= 1;
      after = examine (file.bytes, file.size);
      digest_after = member (after, "code_digest");
      g_assert_cmpstr (digest_before, !=, digest_after);
      file.bytes[at] ^= 1;
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/runtime/probe/sound-module-passes-every-check", test_sound);
  g_test_add_func ("/runtime/probe/not-an-elf-file", test_not_elf);
  g_test_add_func ("/runtime/probe/cut-off-anywhere", test_cut_off);
  g_test_add_func ("/runtime/probe/other-machine-or-type", test_patched_header);
  g_test_add_func ("/runtime/probe/program-is-no-module", test_program);
  g_test_add_func ("/runtime/probe/peculiarities-are-found", test_peculiar);
  g_test_add_func ("/runtime/probe/manifest-must-be-text", test_manifest_text);
  g_test_add_func ("/runtime/probe/manifest-size-is-not-believed", test_manifest_sizes);
  g_test_add_func ("/runtime/probe/digest-ignores-debug-information", test_digest);
  g_test_add_func ("/runtime/probe/digest-covers-code", test_digest_of_code);
  return g_test_run ();
}
