/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-artifact-store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "collet-artifact-pins.h"
#include "collet-error.h"
#include "collet-failpoint.h"
#include "collet-parallel.h"

/* Up to here a file sync each is quicker than one of the whole file system, and
 * does not wait for what others wrote. */
#define FEW 3

#define NAME_SIZE (64 + sizeof ".so")

struct _ColletArtifactStore
{
  char *folder;
  int dir_fd;
  int tmp_fd;
  ColletArtifactPins *pins;
  pthread_mutex_t making; /* the kernel makes one file at a time in a folder; who waits there, spins */
  gatomicrefcount ref_count;
};

/* ---- opening ---- */

static void
empty_folder (int fd)
{
  int copy = openat (fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy >= 0 ? fdopendir (copy) : NULL;

  if (dir == NULL)
    return;
  for (struct dirent *entry = readdir (dir); entry != NULL; entry = readdir (dir))
    {
      if (entry->d_type != DT_DIR)
        unlinkat (fd, entry->d_name, 0);
    }
  closedir (dir);
}

static gboolean
make_durable (int dir_fd, const char *path, GError **error)
{
  if (fsync (dir_fd) == 0)
    return TRUE;
  collet_artifact_set_error (error, errno, "sync", path);
  return FALSE;
}

/* A new folder is only durable with the entry that its parent has for it. */
static gboolean
sync_parent (const char *folder, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (folder);
  int fd = open (parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    {
      collet_artifact_set_error (error, errno, "open", parent);
      return FALSE;
    }
  gboolean ok = make_durable (fd, parent, error);
  g_close (fd, NULL);
  return ok;
}

static int
ensure_folder (const char *path, GError **error)
{
  gboolean is_new = !g_file_test (path, G_FILE_TEST_IS_DIR);

  if (is_new && g_mkdir_with_parents (path, 0700) != 0)
    {
      collet_artifact_set_error (error, errno, "make the folder", path);
      return -1;
    }
  if (is_new && !sync_parent (path, error))
    return -1;

  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    collet_artifact_set_error (error, errno, "open the folder", path);
  return fd;
}

/* A store that cannot be written is told at once, not at the first load. */
static gboolean
check_writable (ColletArtifactStore *self, GError **error)
{
  if (faccessat (self->tmp_fd, ".", W_OK | X_OK, AT_EACCESS) == 0 &&
      faccessat (self->dir_fd, ".", W_OK | X_OK, AT_EACCESS) == 0)
    return TRUE;
  collet_artifact_set_error (error, errno, "write to", self->folder);
  return FALSE;
}

ColletArtifactStore *
collet_artifact_store_open (const char *folder, GError **error)
{
  g_return_val_if_fail (folder != NULL, NULL);

  g_autoptr (ColletArtifactStore) self = g_new0 (ColletArtifactStore, 1);
  g_autofree char *tmp = g_build_filename (folder, "tmp", NULL);

  g_atomic_ref_count_init (&self->ref_count);
  self->folder = g_canonicalize_filename (folder, NULL);
  self->tmp_fd = -1;
  pthread_mutex_init (&self->making, NULL);
  self->pins = collet_artifact_pins_new ();
  self->dir_fd = ensure_folder (self->folder, error);
  if (self->dir_fd < 0)
    return NULL;
  self->tmp_fd = ensure_folder (tmp, error);
  if (self->tmp_fd < 0 || !check_writable (self, error))
    return NULL;
  empty_folder (self->tmp_fd);
  return g_steal_pointer (&self);
}

ColletArtifactStore *
collet_artifact_store_ref (ColletArtifactStore *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
collet_artifact_store_unref (ColletArtifactStore *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  if (self->tmp_fd >= 0)
    g_close (self->tmp_fd, NULL);
  if (self->dir_fd >= 0)
    g_close (self->dir_fd, NULL);
  collet_artifact_pins_free (self->pins);
  pthread_mutex_destroy (&self->making);
  g_free (self->folder);
  g_free (self);
}

const char *
collet_artifact_store_get_folder (ColletArtifactStore *self)
{
  return self->folder;
}

static void
set_name (char name[NAME_SIZE], const char *sha256)
{
  g_snprintf (name, NAME_SIZE, "%s.so", sha256);
}

char *
collet_artifact_store_dup_path (ColletArtifactStore *self, const char *sha256)
{
  return g_strdup_printf ("%s/%s.so", self->folder, sha256);
}

/* ---- taking ---- */

void
collet_artifact_intake_clear (ColletArtifactIntake *intake)
{
  g_clear_pointer (&intake->path, g_free);
  g_clear_pointer (&intake->trust.signer, g_free);
  g_clear_pointer (&intake->trust.signature, g_free);
  g_clear_pointer (&intake->trust.unknown_signature, g_free);
  g_clear_pointer (&intake->trust.key_id, g_free);
  g_clear_pointer (&intake->trust.evidence, g_free);
  g_clear_error (&intake->trust.error);
  g_clear_error (&intake->error);
}

/* One file on its way through tmp/; made when there is something to write. */
typedef struct
{
  ColletArtifactStore *store;
  char name[NAME_SIZE];
  int fd;
} Scratch;

static gboolean
open_scratch (Scratch *scratch, GError **error)
{
  ColletArtifactStore *store = scratch->store;

  do
    {
      g_snprintf (scratch->name, NAME_SIZE, "%08x%08x.so", g_random_int (), g_random_int ());
      scratch->fd =
          openat (store->tmp_fd, scratch->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
  while (scratch->fd < 0 && errno == EEXIST);
  if (scratch->fd >= 0)
    return TRUE;
  collet_artifact_set_error (error, errno, "make a file in", store->folder);
  return FALSE;
}

static gboolean
write_scratch (gpointer user_data, const void *bytes, gsize size, GError **error)
{
  Scratch *scratch = user_data;
  const char *data = bytes;

  if (scratch->fd < 0 && !open_scratch (scratch, error))
    return FALSE;
  while (size > 0)
    {
      gssize n = write (scratch->fd, data, size);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          collet_artifact_set_error (error, errno, "write to", scratch->store->folder);
          return FALSE;
        }
      data += n;
      size -= (gsize)n;
    }
  return TRUE;
}

static gboolean
finish_scratch (Scratch *scratch, ColletArtifactCopier *copier, GError **error)
{
  gsize size;
  const void *rest = collet_artifact_copier_peek_rest (copier, &size);

  if (!write_scratch (scratch, rest, size, error))
    return FALSE;
  if (fchmod (scratch->fd, 0444) == 0)
    return TRUE;
  collet_artifact_set_error (error, errno, "protect a file in", scratch->store->folder);
  return FALSE;
}

static void
close_scratch (Scratch *scratch, gboolean remove)
{
  if (scratch->fd < 0)
    return;
  if (remove)
    unlinkat (scratch->store->tmp_fd, scratch->name, 0);
  g_close (scratch->fd, NULL);
}

/* The bytes may have been stored before. They are hashed, not trusted: what a
 * power cut left behind under this name is replaced by good bytes. Takes fd. */
static gboolean
is_stored (ColletArtifactCopier *copier, int fd, const char *name, const ColletArtifactDigest *digest)
{
  ColletArtifactDigest found;
  struct stat st;

  if (fd < 0)
    return FALSE;
  gboolean same = fstat (fd, &st) == 0 && S_ISREG (st.st_mode) && (guint64)st.st_size == digest->size &&
                  collet_artifact_copier_hash_stored (copier, fd, name, &found, NULL) &&
                  g_str_equal (found.sha256, digest->sha256);
  g_close (fd, NULL);
  return same;
}

static gboolean
place (ColletArtifactStore *self, ColletArtifactIntake *intake, Scratch *scratch, const char *name)
{
  collet_failpoint ("artifact-before-rename");
  if (renameat (self->tmp_fd, scratch->name, self->dir_fd, name) != 0)
    {
      collet_artifact_set_error (&intake->error, errno, "put an artifact at", intake->path);
      return FALSE;
    }
  collet_failpoint ("artifact-after-rename");
  return TRUE;
}

/* Only while others make their files is there time for the MD5 first. */
static gboolean
finish_and_place (ColletArtifactStore *self, ColletArtifactCopier *copier, ColletArtifactIntake *intake,
                  Scratch *scratch, const char *name)
{
  if (pthread_mutex_trylock (&self->making) != 0)
    {
      collet_artifact_copier_add_md5 (copier, &intake->facts);
      pthread_mutex_lock (&self->making);
    }
  gboolean ok = finish_scratch (scratch, copier, &intake->error) && place (self, intake, scratch, name);
  pthread_mutex_unlock (&self->making);
  return ok;
}

/* TRUE: the scratch file was moved to where it stays. */
static gboolean
take_into (ColletArtifactStore *self, ColletArtifactCopier *copier, ColletArtifactIntake *intake,
           Scratch *scratch, gboolean is_trial)
{
  const ColletArtifactDigest *digest = &intake->facts.digest;
  char name[NAME_SIZE];

  if (!collet_artifact_copier_run (copier, &intake->source, write_scratch, scratch, &intake->facts,
                                   &intake->error))
    return FALSE;
  if (is_trial)
    {
      if (!finish_scratch (scratch, copier, &intake->error))
        return FALSE;
      intake->path = g_strdup_printf ("%s/tmp/%s", self->folder, scratch->name);
      return TRUE;
    }

  set_name (name, digest->sha256);
  int stored = collet_artifact_pins_add (self->pins, self->dir_fd, digest->sha256);
  intake->pinned = TRUE;
  intake->path = collet_artifact_store_dup_path (self, digest->sha256);
  return !is_stored (copier, stored, name, digest) && finish_and_place (self, copier, intake, scratch, name);
}

static void
take (ColletArtifactStore *self, ColletArtifactCopier *copier, ColletArtifactIntake *intake,
      gboolean is_trial)
{
  Scratch scratch = { .store = self, .fd = -1 };
  gboolean moved = take_into (self, copier, intake, &scratch, is_trial);

  close_scratch (&scratch, !moved);
  if (intake->facts.digest.md5[0] == '\0')
    collet_artifact_copier_add_md5 (copier, &intake->facts);
}

typedef struct
{
  ColletArtifactStore *store;
  ColletArtifactIntake *intakes;
  gboolean is_trial;
} Batch;

static void
take_share (ColletParallel *parallel, gpointer data)
{
  Batch *batch = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletArtifactCopier) copier = collet_artifact_copier_new (&error);
  guint i;

  while (collet_parallel_next (parallel, &i))
    {
      if (copier == NULL)
        batch->intakes[i].error = g_error_copy (error);
      else
        take (batch->store, copier, &batch->intakes[i], batch->is_trial);
    }
}

void
collet_artifact_store_take (ColletArtifactStore *self, ColletArtifactIntake *intakes, guint n,
                            gboolean is_trial)
{
  Batch batch = { self, intakes, is_trial };

  collet_parallel_run (n, take_share, &batch);
}

static gboolean
sync_file (ColletArtifactStore *self, const ColletArtifactIntake *intake, GError **error)
{
  char name[NAME_SIZE];

  set_name (name, intake->facts.digest.sha256);
  int fd = openat (self->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    {
      collet_artifact_set_error (error, errno, "sync", intake->path);
      return FALSE;
    }
  gboolean ok = make_durable (fd, intake->path, error);
  g_close (fd, NULL);
  return ok;
}

gboolean
collet_artifact_store_sync (ColletArtifactStore *self, const ColletArtifactIntake *intakes, guint n,
                            GError **error)
{
  if (n > FEW)
    {
      if (syncfs (self->dir_fd) == 0)
        return TRUE;
      collet_artifact_set_error (error, errno, "sync", self->folder);
      return FALSE;
    }

  for (guint i = 0; i < n; i++)
    {
      if (intakes[i].error == NULL && !sync_file (self, &intakes[i], error))
        return FALSE;
    }
  return make_durable (self->dir_fd, self->folder, error);
}

void
collet_artifact_store_release (ColletArtifactStore *self, ColletArtifactIntake *intake, gboolean keep)
{
  if (intake->pinned)
    collet_artifact_pins_remove (self->pins, self->dir_fd, intake->facts.digest.sha256, keep);
  else if (intake->path != NULL)
    unlink (intake->path);
  intake->pinned = FALSE;
  g_clear_pointer (&intake->path, g_free);
}

/* It is worth less than the bytes: that it cannot be kept is no reason to refuse them,
 * and no disk is waited for. */
void
collet_artifact_store_keep_signature (ColletArtifactStore *self, const ColletArtifactIntake *intake,
                                      const char *text, gboolean is_verified)
{
  g_autofree char *name = g_strdup_printf ("%s" COLLET_ARTIFACT_SIGNATURE, intake->facts.digest.sha256);
  g_autofree char *scratch = g_strdup_printf ("%08x%08x.minisig", g_random_int (), g_random_int ());
  gsize size = strlen (text);
  int fd;

  if (!intake->pinned || (!is_verified && faccessat (self->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0))
    return;
  fd = openat (self->tmp_fd, scratch, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
  if (fd < 0 || write (fd, text, size) != (gssize)size ||
      renameat (self->tmp_fd, scratch, self->dir_fd, name) != 0)
    {
      g_warning ("The signature of %s is not kept: %s", intake->path, g_strerror (errno));
      unlinkat (self->tmp_fd, scratch, 0);
    }
  if (fd >= 0)
    g_close (fd, NULL);
}

/* ---- what is there ---- */

gboolean
collet_artifact_store_verify (ColletArtifactStore *self, const char *sha256, GError **error)
{
  g_autoptr (ColletArtifactCopier) copier = collet_artifact_copier_new (error);
  g_autofree char *path = collet_artifact_store_dup_path (self, sha256);
  ColletArtifactDigest digest;

  if (copier == NULL)
    return FALSE;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND,
                   "The artifact %s is not in the store: %s", path, g_strerror (errno));
      return FALSE;
    }
  gboolean ok = collet_artifact_copier_hash_stored (copier, fd, path, &digest, error);
  g_close (fd, NULL);
  if (!ok || g_str_equal (digest.sha256, sha256))
    return ok;

  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INTEGRITY_FAILED,
               "The stored artifact %s was damaged: its %" G_GUINT64_FORMAT " bytes have SHA-256 %s", path,
               digest.size, digest.sha256);
  return FALSE;
}

static gboolean
is_artifact_name (const char *name)
{
  return strspn (name, "0123456789abcdef") == 64 && g_str_equal (name + 64, ".so");
}

guint
collet_artifact_store_collect (ColletArtifactStore *self, GHashTable *keep)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, NULL);
  guint n_removed = 0;

  if (dir == NULL)
    return 0;
  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir))
    {
      if (!is_artifact_name (name))
        continue;
      g_autofree char *sha256 = g_strndup (name, 64);
      if (!g_hash_table_contains (keep, sha256) &&
          collet_artifact_pins_unlink (self->pins, self->dir_fd, sha256))
        n_removed++;
    }
  return n_removed;
}
