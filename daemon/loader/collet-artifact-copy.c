/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-artifact-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "collet-error.h"

#define BUFFER_SIZE (256u * 1024u)
#define BLOCK_SIZE (32u * 1024u)

/* File times have the granularity of the kernel's tick. A file that was written
 * less than this ago could be written again without its time changing. */
#define SETTLE_NS (12 * G_GINT64_CONSTANT (1000000))

struct _ColletArtifactCopier
{
  ColletArtifactHash *hash;
  guint8 *buffer;
  gsize used; /* of the buffer: read, not yet given to the sink */
  ColletArtifactSink sink;
  gpointer sink_data;
};

ColletArtifactCopier *
collet_artifact_copier_new (GError **error)
{
  g_autoptr (ColletArtifactHash) hash = collet_artifact_hash_new (error);
  if (hash == NULL)
    return NULL;

  ColletArtifactCopier *self = g_new0 (ColletArtifactCopier, 1);
  self->hash = g_steal_pointer (&hash);
  self->buffer = g_malloc (BUFFER_SIZE);
  return self;
}

void
collet_artifact_copier_free (ColletArtifactCopier *self)
{
  collet_artifact_hash_free (self->hash);
  g_free (self->buffer);
  g_free (self);
}

void
collet_artifact_set_error (GError **error, int errsv, const char *what, const char *path)
{
  g_set_error (error, COLLET_ERROR, collet_error_of_errno (errsv), "The artifact store could not %s %s: %s",
               what, path, g_strerror (errsv));
}

gboolean
collet_artifact_error_is_store (const GError *error)
{
  return g_error_matches (error, COLLET_ERROR, COLLET_ERROR_DISK_FULL) ||
         g_error_matches (error, COLLET_ERROR, COLLET_ERROR_STORE_READ_ONLY) ||
         g_error_matches (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED);
}

/* ---- the source ---- */

static gboolean
fail_to_open (const ColletArtifactSource *source, int errsv, GError **error)
{
  ColletError code = COLLET_ERROR_ARTIFACT_NOT_FOUND;

  if (errsv == EACCES || errsv == EPERM)
    code = COLLET_ERROR_NOT_AUTHORIZED;
  else if (errsv == EMFILE || errsv == ENFILE || errsv == ENOMEM)
    code = COLLET_ERROR_OVERLOADED;
  g_set_error (error, COLLET_ERROR, code, "%s could not be opened: %s", source->name, g_strerror (errsv));
  return FALSE;
}

static const char *
kind_of (mode_t mode)
{
  switch (mode & S_IFMT)
    {
    case S_IFDIR:
      return "a folder";
    case S_IFCHR:
    case S_IFBLK:
      return "a device";
    case S_IFIFO:
      return "a pipe";
    case S_IFSOCK:
      return "a socket";
    default:
      return "not a regular file";
    }
}

static gboolean
check_kind (const ColletArtifactSource *source, const struct stat *st, GError **error)
{
  if (S_ISREG (st->st_mode))
    return TRUE;
  if (source->path == NULL && (S_ISFIFO (st->st_mode) || S_ISSOCK (st->st_mode)))
    return TRUE;

  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MODULE,
               "%s is %s, not a shared object in a regular file", source->name, kind_of (st->st_mode));
  return FALSE;
}

/* Looks at what it is before it is opened: opening a device may act on it. */
static int
open_source (const ColletArtifactSource *source, struct stat *st, GError **error)
{
  if (stat (source->path, st) != 0)
    {
      fail_to_open (source, errno, error);
      return -1;
    }
  if (!check_kind (source, st, error))
    return -1;

  int fd = open (source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    fail_to_open (source, errno, error);
  return fd;
}

static gboolean
fail_as_changed (const ColletArtifactSource *source, const char *how, GError **error)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_CHANGED, "%s %s while it was read", source->name,
               how);
  return FALSE;
}

static gboolean
fail_to_read (const ColletArtifactSource *source, int errsv, GError **error)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_CHANGED, "%s could not be read to its end: %s",
               source->name, g_strerror (errsv));
  return FALSE;
}

static gboolean
fail_as_too_large (const ColletArtifactSource *source, GError **error)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_TOO_LARGE,
               "%s has more than %u MiB, the limit for an artifact", source->name,
               COLLET_ARTIFACT_MAX / (1024 * 1024));
  return FALSE;
}

static gboolean
same_times (const struct stat *a, const struct stat *b)
{
  return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
         a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Waits until a change that comes after the first look must show in the times. */
static gboolean
settle (const ColletArtifactSource *source, int fd, struct stat *st, GError **error)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  gint64 age =
      (now.tv_sec - st->st_ctim.tv_sec) * G_GINT64_CONSTANT (1000000000) + now.tv_nsec - st->st_ctim.tv_nsec;
  if (age < 0 || age > SETTLE_NS)
    return TRUE;

  struct stat before = *st;
  g_usleep ((gulong)((SETTLE_NS - age) / 1000 + 1));
  if (fstat (fd, st) != 0)
    return fail_to_open (source, errno, error);
  return same_times (&before, st) || fail_as_changed (source, "was written to", error);
}

static gboolean
check_unchanged (const ColletArtifactSource *source, int fd, const struct stat *before, GError **error)
{
  struct stat after;

  if (fstat (fd, &after) != 0)
    return fail_as_changed (source, "became unreadable", error);
  if (after.st_size != before->st_size)
    return fail_as_changed (source, after.st_size < before->st_size ? "was shortened" : "grew", error);
  if (!same_times (&after, before))
    return fail_as_changed (source, "was written to", error);
  if (source->path == NULL)
    return TRUE;

  if (stat (source->path, &after) != 0)
    return fail_as_changed (source, "vanished", error);
  if (after.st_ino != before->st_ino || after.st_dev != before->st_dev)
    return fail_as_changed (source, "was replaced", error);
  return TRUE;
}

/* ---- bytes ---- */

static gssize
read_at (int fd, guint8 *buffer, gsize size, goffset offset)
{
  gssize n;

  do
    n = pread (fd, buffer, size, offset);
  while (n < 0 && errno == EINTR);
  return n;
}

/* A pipe may be blocking or not, and is the other side's too, so its flags are
 * left alone: wait for data first, then a read gives what there is. */
static gssize
read_stream (int fd, guint8 *buffer, gsize size, gint64 deadline)
{
  while (TRUE)
    {
      gint64 left = deadline - g_get_monotonic_time ();
      struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

      if (left <= 0)
        {
          errno = ETIMEDOUT;
          return -1;
        }
      int rc = poll (&poll_fd, 1, (int)(left / 1000) + 1);
      if (rc < 0 && errno != EINTR)
        return -1;
      if (rc <= 0)
        continue;
      gssize n = read (fd, buffer, size);
      if (n >= 0 || (errno != EINTR && errno != EAGAIN))
        return n;
    }
}

/* Where the next bytes go: after what is there; to the start once it is full. */
static gboolean
make_room (ColletArtifactCopier *self, GError **error)
{
  if (self->used < BUFFER_SIZE)
    return TRUE;
  collet_artifact_hash_update_sha256 (self->hash, self->buffer, self->used);
  collet_artifact_hash_update_md5 (self->hash, self->buffer, self->used);
  self->used = 0;
  return self->sink (self->sink_data, self->buffer, BUFFER_SIZE, error);
}

static gboolean
copy_file (ColletArtifactCopier *self, const ColletArtifactSource *source, int fd, guint64 size,
           GError **error)
{
  guint64 offset = 0;

  /* One byte more than the file should have shows that it grew. */
  while (offset <= size)
    {
      if (!make_room (self, error))
        return FALSE;
      gsize wanted = MIN (BUFFER_SIZE - self->used, size - offset + 1);
      gssize n = read_at (fd, self->buffer + self->used, wanted, (goffset)offset);
      if (n < 0)
        return fail_to_read (source, errno, error);
      if (n == 0)
        break;
      self->used += (gsize)n;
      offset += (guint64)n;
    }
  if (offset != size)
    return fail_as_changed (source, offset < size ? "was shortened" : "grew", error);
  return TRUE;
}

static gboolean
copy_stream (ColletArtifactCopier *self, const ColletArtifactSource *source, int fd, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + COLLET_ARTIFACT_READ_TIMEOUT_US;
  guint64 total = 0;

  while (make_room (self, error))
    {
      gssize n = read_stream (fd, self->buffer + self->used, BUFFER_SIZE - self->used, deadline);
      if (n < 0 && errno == ETIMEDOUT)
        {
          g_set_error (error, COLLET_ERROR, COLLET_ERROR_TIMEOUT,
                       "%s did not end within %d seconds; %" G_GUINT64_FORMAT " bytes had come", source->name,
                       COLLET_ARTIFACT_READ_TIMEOUT_US / 1000000, total);
          return FALSE;
        }
      if (n < 0)
        return fail_to_read (source, errno, error);
      if (n == 0)
        return TRUE;
      self->used += (gsize)n;
      total += (guint64)n;
      if (total > COLLET_ARTIFACT_MAX)
        return fail_as_too_large (source, error);
    }
  return FALSE;
}

static gboolean
copy_from (ColletArtifactCopier *self, const ColletArtifactSource *source, int fd, ColletArtifactFacts *facts,
           GError **error)
{
  struct stat st;

  if (fstat (fd, &st) != 0)
    return fail_to_open (source, errno, error);
  if (!check_kind (source, &st, error))
    return FALSE;
  facts->is_file = S_ISREG (st.st_mode);
  if (!facts->is_file)
    return copy_stream (self, source, fd, error);

  if (st.st_size > COLLET_ARTIFACT_MAX)
    return fail_as_too_large (source, error);
  if (!settle (source, fd, &st, error))
    return FALSE;
  facts->owner = st.st_uid;
  facts->mode = st.st_mode & 07777;
  return copy_file (self, source, fd, (guint64)st.st_size, error) && check_unchanged (source, fd, &st, error);
}

gboolean
collet_artifact_copier_run (ColletArtifactCopier *self, const ColletArtifactSource *source,
                            ColletArtifactSink sink, gpointer user_data, ColletArtifactFacts *facts,
                            GError **error)
{
  struct stat st;

  memset (facts, 0, sizeof *facts);
  self->used = 0;
  int fd = source->path != NULL ? open_source (source, &st, error) : source->fd;
  if (fd < 0)
    return FALSE;

  self->sink = sink;
  self->sink_data = user_data;
  gboolean ok = copy_from (self, source, fd, facts, error);
  collet_artifact_hash_update_sha256 (self->hash, self->buffer, self->used);
  collet_artifact_hash_finish_sha256 (self->hash, &facts->digest);
  if (source->path != NULL)
    g_close (fd, NULL);
  return ok;
}

void
collet_artifact_copier_add_md5 (ColletArtifactCopier *self, ColletArtifactFacts *facts)
{
  collet_artifact_hash_update_md5 (self->hash, self->buffer, self->used);
  collet_artifact_hash_finish_md5 (self->hash, &facts->digest);
}

const void *
collet_artifact_copier_peek_rest (ColletArtifactCopier *self, gsize *size)
{
  *size = self->used;
  return self->buffer;
}

/* Has a buffer of its own: that of a copy may still hold what is to be written. */
gboolean
collet_artifact_copier_hash_stored (ColletArtifactCopier *self, int fd, const char *path,
                                    ColletArtifactDigest *digest, GError **error)
{
  guint8 block[BLOCK_SIZE];
  goffset offset = 0;
  gssize n;

  while ((n = read_at (fd, block, sizeof block, offset)) > 0)
    {
      collet_artifact_hash_update_sha256 (self->hash, block, (gsize)n);
      offset += n;
    }
  collet_artifact_hash_finish_sha256 (self->hash, digest);
  if (n == 0)
    return TRUE;
  collet_artifact_set_error (error, errno, "read", path);
  return FALSE;
}
