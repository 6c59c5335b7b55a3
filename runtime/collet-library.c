/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-library.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

/* Opening it and looking whether it was there must be one step. */
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;

/* What a descriptor must hold at least. */
#define MIN_MODULE_SIZE (offsetof (struct collet_module, call) + sizeof (void *))

/* What is in memory. dlopen with RTLD_NOLOAD would tell as well, but opens the
 * file and reads its header each time for a library that is not there. */
struct listing
{
  const char *path;
  bool is_listed;
  unsigned long long n_loaded; /* libraries, ever */
};

static int
on_listed (struct dl_phdr_info *info, size_t size, void *data)
{
  struct listing *listing = data;

  listing->n_loaded = info->dlpi_adds;
  listing->is_listed = strcmp (info->dlpi_name, listing->path) == 0;
  return listing->is_listed;
}

static struct listing
list (const char *path)
{
  struct listing listing = { .path = path };

  dl_iterate_phdr (on_listed, &listing);
  return listing;
}

/* It is listed by another name if the file has several. */
static bool
is_resident (const struct listing *before, const struct listing *after)
{
  return before->is_listed || before->n_loaded == after->n_loaded;
}

static const char *
remedy_of (const char *error)
{
  if (strstr (error, "undefined symbol") != NULL)
    return "Link the module with the library that defines the symbol; -Wl,-z,defs finds this when it is "
           "built.";
  if (strstr (error, "static TLS") != NULL)
    return "Build it with -ftls-model=global-dynamic, or use less thread-local storage.";
  if (strstr (error, "GLIBC_") != NULL)
    return "Build it on this system, or on an older one.";
  if (strstr (error, "cannot open shared object file") != NULL)
    return "Install the library in the system's library folders, or link it statically.";
  return "Run ldd and readelf -d on the file to see what it needs.";
}

/* "<path>: " before the reason is known to whoever reads it. */
static const char *
skip_path (const char *error, const char *path)
{
  const size_t size = strlen (path);

  return strncmp (error, path, size) == 0 && strncmp (error + size, ": ", 2) == 0 ? error + size + 2 : error;
}

void *
collet_library_open (const char *path, struct collet_failure *failure)
{
  struct listing before, after;
  bool was_resident;
  void *handle;

  pthread_mutex_lock (&open_lock);
  before = list (path);
  dlerror ();
  handle = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  after = list (path);
  was_resident = handle != NULL && is_resident (&before, &after);
  if (was_resident)
    dlclose (handle);
  pthread_mutex_unlock (&open_lock);

  if (was_resident)
    collet_failure_set (failure, "ValidationFailed", "Run it in a worker process of its own.",
                        "%s is in memory already, so its old code and data would be used again.", path);
  else if (handle == NULL)
    {
      const char *error = dlerror ();

      error = error != NULL ? skip_path (error, path) : "no reason given";
      collet_failure_set (failure, "InvalidModule", remedy_of (error), "The dynamic loader refused it: %s.",
                          error);
    }
  return was_resident ? NULL : handle;
}

bool
collet_library_close (void *handle, const char *path)
{
  struct listing after;

  pthread_mutex_lock (&open_lock);
  dlclose (handle);
  after = list (path);
  pthread_mutex_unlock (&open_lock);
  return !after.is_listed;
}

/* The descriptor, if the library itself (not one that it needs) defines it, and
 * how many bytes the symbol has. */
static const void *
find_descriptor (void *handle, size_t *size)
{
  const void *address = dlsym (handle, COLLET_MODULE_SYMBOL);
  struct link_map *own = NULL;
  void *map = NULL, *symbol = NULL;
  Dl_info info;

  if (address == NULL || dlinfo (handle, RTLD_DI_LINKMAP, &own) != 0)
    return NULL;
  if (dladdr1 (address, &info, &map, RTLD_DL_LINKMAP) == 0 || map != own)
    return NULL;
  if (dladdr1 (address, &info, &symbol, RTLD_DL_SYMENT) == 0 || symbol == NULL)
    return NULL;
  *size = ((const ElfW (Sym) *)symbol)->st_size;
  return address;
}

static bool
check_abi (const struct collet_module *module, struct collet_failure *failure)
{
  if (module->abi_major == COLLET_ABI_MAJOR && module->abi_minor <= COLLET_ABI_MINOR)
    return true;
  return collet_failure_set (failure, "AbiMismatch",
                             module->abi_major > COLLET_ABI_MAJOR || module->abi_major == COLLET_ABI_MAJOR
                                 ? "Update Collet, or build the module with this Collet's collet-module.h."
                                 : "Build the module again with this Collet's collet-module.h.",
                             "It was built for module ABI %u.%u; this Collet speaks %u.0 to %u.%u.",
                             module->abi_major, module->abi_minor, COLLET_ABI_MAJOR, COLLET_ABI_MAJOR,
                             COLLET_ABI_MINOR);
}

bool
collet_library_bind (void *handle, struct collet_module *module, struct collet_failure *failure)
{
  static const char remedy[] = "Define it with COLLET_MODULE (...) of collet-module.h.";
  size_t symbol_size = 0;
  const void *address = find_descriptor (handle, &symbol_size);
  uint32_t said_size;

  memset (module, 0, sizeof *module);
  if (address == NULL)
    return collet_failure_set (failure, "InvalidModule", remedy, "It does not define the symbol %s.",
                               COLLET_MODULE_SYMBOL);
  if (symbol_size < MIN_MODULE_SIZE || (uintptr_t)address % _Alignof(struct collet_module) != 0)
    return collet_failure_set (
        failure, "InvalidModule", remedy,
        "Its symbol %s has %zu bytes at an alignment of %zu; a descriptor has at least %zu.",
        COLLET_MODULE_SYMBOL, symbol_size, (size_t)((uintptr_t)address % 16), MIN_MODULE_SIZE);
  memcpy (&said_size, address, sizeof said_size);
  if (said_size < MIN_MODULE_SIZE || said_size > symbol_size)
    return collet_failure_set (
        failure, "InvalidModule", remedy,
        "Its descriptor says that it has %u bytes; it has %zu, and needs at least %zu.", said_size,
        symbol_size, MIN_MODULE_SIZE);

  memcpy (module, address, said_size < sizeof *module ? said_size : sizeof *module);
  if (!check_abi (module, failure))
    return false;
  if (module->call == NULL)
    return collet_failure_set (failure, "InvalidModule", "Set .call in COLLET_MODULE (...).",
                               "Its descriptor has no call function.");
  return true;
}
