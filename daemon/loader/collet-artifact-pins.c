/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-artifact-pins.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

typedef struct
{
  guint n;
  gboolean stays;
} Pin;

struct _ColletArtifactPins
{
  pthread_mutex_t mutex; /* of this kind, because TSan sees it */
  GHashTable *pins;      /* sha256 -> Pin */
};

ColletArtifactPins *
collet_artifact_pins_new (void)
{
  ColletArtifactPins *self = g_new0 (ColletArtifactPins, 1);

  pthread_mutex_init (&self->mutex, NULL);
  self->pins = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
collet_artifact_pins_free (ColletArtifactPins *self)
{
  pthread_mutex_destroy (&self->mutex);
  g_hash_table_unref (self->pins);
  g_free (self);
}

static void
set_name (char name[72], const char *sha256)
{
  g_snprintf (name, 72, "%s.so", sha256);
}

int
collet_artifact_pins_add (ColletArtifactPins *self, int dir_fd, const char *sha256)
{
  char name[72];

  set_name (name, sha256);
  pthread_mutex_lock (&self->mutex);
  int fd = openat (dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  Pin *pin = g_hash_table_lookup (self->pins, sha256);
  if (pin == NULL)
    {
      pin = g_new0 (Pin, 1);
      pin->stays = fd >= 0;
      g_hash_table_insert (self->pins, g_strdup (sha256), pin);
    }
  pin->n++;
  pthread_mutex_unlock (&self->mutex);
  return fd;
}

static gboolean
unlink_both (int dir_fd, const char *sha256)
{
  char name[88];

  g_snprintf (name, sizeof name, "%s" COLLET_ARTIFACT_SIGNATURE, sha256);
  unlinkat (dir_fd, name, 0);
  set_name (name, sha256);
  return unlinkat (dir_fd, name, 0) == 0;
}

static void
remove_pin (ColletArtifactPins *self, int dir_fd, const char *sha256, gboolean keep)
{
  Pin *pin = g_hash_table_lookup (self->pins, sha256);

  g_return_if_fail (pin != NULL && pin->n > 0);
  pin->n--;
  pin->stays |= keep;
  if (pin->n > 0)
    return;
  if (!pin->stays)
    unlink_both (dir_fd, sha256);
  g_hash_table_remove (self->pins, sha256);
}

void
collet_artifact_pins_remove (ColletArtifactPins *self, int dir_fd, const char *sha256, gboolean keep)
{
  pthread_mutex_lock (&self->mutex);
  remove_pin (self, dir_fd, sha256, keep);
  pthread_mutex_unlock (&self->mutex);
}

gboolean
collet_artifact_pins_unlink (ColletArtifactPins *self, int dir_fd, const char *sha256)
{
  gboolean gone = FALSE;

  pthread_mutex_lock (&self->mutex);
  if (!g_hash_table_contains (self->pins, sha256))
    gone = unlink_both (dir_fd, sha256);
  pthread_mutex_unlock (&self->mutex);
  return gone;
}
