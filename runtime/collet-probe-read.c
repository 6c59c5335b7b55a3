/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collet-elf-dynamic.h"
#include "collet-module.h"
#include "collet-probe.h"
#include "collet-report.h"
#include "collet-utf8.h"

#define MIN_MODULE_SIZE (offsetof (struct collet_module, call) + sizeof (void *))
#define BUILD_ID_MAX 64
#define COPY_MAX (256u * 1024u)

/* One file under examination. */
struct reading
{
  struct collet_report report;
  const struct collet_failure *unreadable; /* why there are no bytes; or NULL */
  struct collet_slice file;
  struct collet_elf elf;
  struct collet_elf_dynamic dynamic;
  bool is_open;
  bool is_library;              /* `dynamic` is there */
  struct collet_slice manifest; /* text NULL: none */
  unsigned n_manifests;
  struct collet_slice build_id;
};

static bool
on_note (void *user_data, const char *owner, GElf_Word type, struct collet_slice note, size_t offset)
{
  struct reading *reading = user_data;

  if (type == COLLET_NOTE_MANIFEST && strcmp (owner, COLLET_NOTE_OWNER) == 0)
    {
      reading->manifest = note;
      reading->n_manifests++;
    }
  else if (type == NT_GNU_BUILD_ID && strcmp (owner, "GNU") == 0 && note.size <= BUILD_ID_MAX)
    reading->build_id = note;
  return true;
}

static void
check_format (struct reading *reading)
{
  struct collet_failure failure;

  if (reading->unreadable != NULL)
    collet_report_fail (&reading->report, reading->unreadable);
  else if (!collet_elf_open (&reading->elf, reading->file.text, reading->file.size, &failure))
    collet_report_fail (&reading->report, &failure);
  else
    {
      reading->is_open = true;
      collet_elf_foreach_note (&reading->elf, on_note, reading);
      collet_report_pass (&reading->report, "ELF, %zu bytes, %zu program headers", reading->file.size,
                          reading->elf.n_segments);
    }
}

static void
check_machine (struct reading *reading)
{
  struct collet_failure failure;
  char found[96], wanted[96];

  collet_elf_describe_machine (&reading->elf, found, sizeof found);
  collet_elf_describe_native (wanted, sizeof wanted);
  if (reading->elf.is_native)
    {
      collet_report_pass (&reading->report, "%s", found);
      return;
    }
  collet_failure_set (&failure, "InvalidModule", "Build it for this machine.",
                      "It is built for another machine: %s; this one is %s.", found, wanted);
  collet_report_fail (&reading->report, &failure);
}

static const char *
type_name (unsigned type)
{
  return type == ET_REL    ? "an object file"
         : type == ET_EXEC ? "a program"
         : type == ET_CORE ? "a core dump"
                           : "of another kind";
}

static void
check_type (struct reading *reading)
{
  struct collet_failure failure;

  if (reading->elf.header.e_type != ET_DYN)
    {
      collet_failure_set (&failure, "InvalidModule", "Link it with -shared.",
                          "It is %s, not a shared object.", type_name (reading->elf.header.e_type));
      collet_report_fail (&reading->report, &failure);
    }
  else if (!collet_elf_dynamic_read (&reading->dynamic, &reading->elf, &failure))
    collet_report_fail (&reading->report, &failure);
  else if (reading->dynamic.flags_1 & DF_1_PIE)
    {
      collet_failure_set (&failure, "InvalidModule", "Link it with -shared instead of -pie.",
                          "It is a program (position-independent), not a shared object.");
      collet_report_fail (&reading->report, &failure);
    }
  else
    {
      reading->is_library = true;
      collet_report_pass (&reading->report, "shared object");
    }
}

static void
check_symbol (struct reading *reading)
{
  static const char remedy[] =
      "Define it with COLLET_MODULE (...) of collet-module.h, and do not hide it in a version script.";
  struct collet_failure failure;
  GElf_Sym symbol;

  if (!collet_elf_dynamic_find_symbol (&reading->dynamic, COLLET_MODULE_SYMBOL, &symbol))
    collet_failure_set (&failure, "InvalidModule", remedy, "It does not export the symbol %s.",
                        COLLET_MODULE_SYMBOL);
  else if (GELF_ST_TYPE (symbol.st_info) != STT_OBJECT)
    collet_failure_set (&failure, "InvalidModule", remedy, "Its symbol %s is not a data object (type %u).",
                        COLLET_MODULE_SYMBOL, GELF_ST_TYPE (symbol.st_info));
  else if (symbol.st_size < MIN_MODULE_SIZE)
    collet_failure_set (&failure, "InvalidModule", remedy,
                        "Its symbol %s has %llu bytes; a descriptor has at least %zu.", COLLET_MODULE_SYMBOL,
                        (unsigned long long)symbol.st_size, MIN_MODULE_SIZE);
  else
    {
      collet_report_pass (&reading->report, "%s, %llu bytes", COLLET_MODULE_SYMBOL,
                          (unsigned long long)symbol.st_size);
      return;
    }
  collet_report_fail (&reading->report, &failure);
}

static bool
is_text (const struct collet_slice *slice)
{
  return collet_utf8_is_valid (slice->text, slice->size) && memchr (slice->text, '\0', slice->size) == NULL;
}

static void
check_manifest (struct reading *reading)
{
  struct collet_failure failure;

  if (reading->n_manifests == 0)
    collet_failure_set (&failure, "InvalidManifest",
                        "Embed one with COLLET_MANIFEST (...) or collet-manifest, and do not strip notes.",
                        "It has no manifest: no ELF note of owner %s, type %d.", COLLET_NOTE_OWNER,
                        COLLET_NOTE_MANIFEST);
  else if (reading->n_manifests > 1)
    collet_failure_set (&failure, "InvalidManifest", "Embed only one.", "It has %u manifests.",
                        reading->n_manifests);
  else if (reading->manifest.size > COLLET_PROBE_MANIFEST_MAX)
    collet_failure_set (&failure, "InvalidManifest", "Shorten descriptions and schemas.",
                        "Its manifest has %zu bytes; %u are allowed.", reading->manifest.size,
                        COLLET_PROBE_MANIFEST_MAX);
  else if (!is_text (&reading->manifest))
    collet_failure_set (&failure, "InvalidManifest", "Save the manifest as UTF-8.",
                        "Its manifest is not UTF-8 text.");
  else
    {
      collet_report_pass (&reading->report, "%zu bytes of JSON text", reading->manifest.size);
      return;
    }
  reading->manifest.text = NULL;
  collet_report_fail (&reading->report, &failure);
}

static void
check_needed (struct reading *reading)
{
  const char *folder = collet_elf_dynamic_get_name (&reading->dynamic, DT_RUNPATH, 0);
  char list[800] = "";
  size_t at = 0;
  const char *name;

  for (unsigned n = 0;
       (name = collet_elf_dynamic_get_name (&reading->dynamic, DT_NEEDED, n)) != NULL && at < sizeof list;
       n++)
    at += (size_t)snprintf (list + at, sizeof list - at, "%s%s", n > 0 ? ", " : "", name);
  folder = folder != NULL ? folder : collet_elf_dynamic_get_name (&reading->dynamic, DT_RPATH, 0);
  if (folder != NULL)
    collet_report_warn (
        &reading->report,
        "Link private libraries statically: the file is copied, and workers read system folders only.",
        "it needs %s, and looks for them in %.200s", list[0] != '\0' ? list : "nothing", folder);
  else
    collet_report_pass (&reading->report, "%s", list[0] != '\0' ? list : "none");
}

static void
check_text_relocations (struct reading *reading)
{
  if (reading->dynamic.has_textrel)
    collet_report_warn (
        &reading->report, "Compile everything in it with -fPIC.",
        "its code is changed when it is loaded (text relocations), so it is not shared and not read-only");
  else
    collet_report_pass (&reading->report, "none");
}

static void
check_static_tls (struct reading *reading)
{
  GElf_Phdr segment = { 0 };
  const bool has_tls = collet_elf_find_segment (&reading->elf, PT_TLS, &segment);
  const unsigned long long size = has_tls ? segment.p_memsz : 0;

  if (reading->dynamic.flags & DF_STATIC_TLS)
    collet_report_warn (
        &reading->report, "Build it with -ftls-model=global-dynamic.",
        "%llu bytes of thread-local storage of the static kind, of which a process has little", size);
  else if (has_tls)
    collet_report_pass (&reading->report, "%llu bytes of thread-local storage, none static", size);
  else
    collet_report_pass (&reading->report, "no thread-local storage");
}

static void
check_nodelete (struct reading *reading)
{
  if (reading->dynamic.flags_1 & DF_1_NODELETE)
    collet_report_warn (&reading->report, "Link it without -z nodelete.",
                        "it asks never to be unloaded: in-process, every reload would leave it in memory");
  else
    collet_report_pass (&reading->report, "can be unloaded");
}

static void
check_unique_symbols (struct reading *reading)
{
  const char *first = "";
  size_t n = collet_elf_dynamic_count_unique (&reading->dynamic, &first);

  if (n > 0)
    collet_report_warn (&reading->report, "Build C++ with -fno-gnu-unique.",
                        "%zu unique symbols (%.200s) keep it in memory and are shared between versions", n,
                        first);
  else
    collet_report_pass (&reading->report, "none");
}

static void
check_stack (struct reading *reading)
{
  GElf_Phdr segment;

  if (!collet_elf_find_segment (&reading->elf, PT_GNU_STACK, &segment) || (segment.p_flags & PF_X))
    collet_report_warn (&reading->report, "Link it with -z noexecstack.",
                        "it asks for an executable stack, which newer systems refuse");
  else
    collet_report_pass (&reading->report, "not executable");
}

static void
run_checks (struct reading *reading)
{
  static const struct
  {
    const char *name;
    void (*run) (struct reading *reading);
  } checks[] = {
    { "elf-format", check_format },
    { "machine", check_machine },
    { "type", check_type },
    { "symbol", check_symbol },
    { "manifest-note", check_manifest },
    { "needed", check_needed },
    { "text-relocations", check_text_relocations },
    { "static-tls", check_static_tls },
    { "nodelete", check_nodelete },
    { "unique-symbols", check_unique_symbols },
    { "exec-stack", check_stack },
  };

  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
    {
      reading->report.check = checks[i].name;
      /* Once it is known to be a shared object, every further check can be made. */
      if (reading->report.has_failed && !reading->is_library)
        collet_report_skip (&reading->report);
      else
        checks[i].run (reading);
    }
}

static void
add_hex_member (struct collet_buffer *out, const char *name, const void *bytes, size_t size)
{
  collet_buffer_append_text (out, ",\"");
  collet_buffer_append_text (out, name);
  collet_buffer_append_text (out, "\":\"");
  collet_buffer_append_hex (out, bytes, size);
  collet_buffer_append_text (out, "\"");
}

static void
add_identities (struct reading *reading)
{
  struct collet_buffer *out = reading->report.out;
  unsigned char digest[32];

  if (!reading->is_open)
    return;
  if (reading->is_library && reading->manifest.text != NULL)
    {
      collet_buffer_append_text (out, ",\"manifest\":");
      collet_buffer_append_string (out, reading->manifest.text, reading->manifest.size);
    }
  collet_elf_digest (&reading->elf, digest);
  add_hex_member (out, "code_digest", digest, sizeof digest);
  if (reading->build_id.size > 0)
    add_hex_member (out, "build_id", reading->build_id.text, reading->build_id.size);
}

static bool
read_bytes (const struct collet_failure *unreadable, struct collet_slice file, bool brief,
            struct collet_buffer *out)
{
  struct reading reading = { .unreadable = unreadable, .file = file };

  collet_report_begin (&reading.report, brief, out);
  run_checks (&reading);
  collet_report_end_checks (&reading.report);
  add_identities (&reading);
  collet_report_end (&reading.report);
  if (reading.is_open)
    collet_elf_close (&reading.elf);
  return !reading.report.has_failed;
}

bool
collet_probe_read_bytes (const char *bytes, size_t size, struct collet_buffer *report)
{
  return read_bytes (NULL, (struct collet_slice){ bytes, size }, false, report);
}

static bool
check_file (int fd, const char *path, struct stat *info, struct collet_failure *failure)
{
  if (fd < 0 || fstat (fd, info) < 0)
    return collet_failure_set (failure, errno == ENOENT ? "ArtifactNotFound" : "InvalidModule", "",
                               "%s cannot be opened: %s.", path, strerror (errno));
  if (!S_ISREG (info->st_mode))
    return collet_failure_set (failure, "InvalidModule", "Give a shared object (.so).",
                               "%s is no regular file.", path);
  if (info->st_size > (off_t)COLLET_PROBE_FILE_MAX)
    return collet_failure_set (failure, "ArtifactTooLarge", "Strip debug information from it.",
                               "%s has %lld bytes; %u are allowed.", path, (long long)info->st_size,
                               COLLET_PROBE_FILE_MAX);
  return true;
}

/* Bytes of a file. A small one is cheaper to copy than to map. */
struct content
{
  char *bytes;
  size_t size;
  bool is_mapped;
};

static bool
read_all (int fd, char *bytes, size_t size)
{
  size_t done = 0;

  while (done < size)
    {
      ssize_t n = pread (fd, bytes + done, size - done, (off_t)done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          errno = n < 0 ? errno : ENODATA; /* it shrank */
          return false;
        }
      done += (size_t)n;
    }
  return true;
}

static bool
load_content (int fd, size_t size, struct content *content)
{
  *content = (struct content){ NULL, size, size > COPY_MAX };
  if (content->is_mapped)
    {
      content->bytes = mmap (NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
      return content->bytes != MAP_FAILED;
    }
  content->bytes = malloc (size + 1);
  if (content->bytes != NULL && read_all (fd, content->bytes, size))
    return true;
  free (content->bytes);
  return false;
}

static void
drop_content (struct content *content)
{
  if (content->is_mapped)
    munmap (content->bytes, content->size);
  else
    free (content->bytes);
}

bool
collet_probe_read (const char *path, bool brief, struct collet_buffer *report)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct collet_failure failure;
  struct content content;
  struct stat info = { 0 };
  bool is_sound = check_file (fd, path, &info, &failure);

  if (is_sound && !load_content (fd, (size_t)info.st_size, &content))
    is_sound = collet_failure_set (&failure, "InvalidModule", "", "%s, %lld bytes, cannot be read: %s.", path,
                                   (long long)info.st_size, strerror (errno));
  if (fd >= 0)
    close (fd);
  if (!is_sound)
    return read_bytes (&failure, (struct collet_slice){ NULL, 0 }, brief, report);
  is_sound = read_bytes (NULL, (struct collet_slice){ content.bytes, content.size }, brief, report);
  drop_content (&content);
  return is_sound;
}
