/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-key-ring.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "collet-error.h"

#define MAX_KEYS 1000

struct _ColletKeyRing
{
  GPtrArray *keys; /* ColletRingKey */
};

static void
ring_key_free (ColletRingKey *key)
{
  g_free (key->name);
  g_free (key);
}

void
collet_key_ring_free (ColletKeyRing *self)
{
  g_ptr_array_unref (self->keys);
  g_free (self);
}

/* Who can write it decides what is trusted. */
static gboolean
check_owner (const char *path, GError **error)
{
  struct stat info;

  if (stat (path, &info) != 0)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED, "%s cannot be looked at: %s.", path,
                   g_strerror (errno));
      return FALSE;
    }
  if ((info.st_uid == 0 || info.st_uid == geteuid ()) && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED,
               "%s (owner %u, mode %04o) says which keys are trusted, and others than root and the daemon's "
               "user may write it. Correct that with chown and chmod.",
               path, (guint)info.st_uid, (guint)(info.st_mode & 07777));
  return FALSE;
}

static gboolean
add_key (ColletKeyRing *self, const char *folder, const char *file, GError **error)
{
  gboolean is_revoked = g_str_has_suffix (file, ".revoked");

  if (!is_revoked && !g_str_has_suffix (file, ".pub"))
    return TRUE;

  g_autofree char *path = g_build_filename (folder, file, NULL);
  ColletRingKey *key = g_new0 (ColletRingKey, 1);
  g_ptr_array_add (self->keys, key);
  key->name = g_strndup (file, (gsize)(strrchr (file, '.') - file));
  key->is_revoked = is_revoked;
  if (self->keys->len > MAX_KEYS)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED, "%s has more than %d keys.", folder,
                   MAX_KEYS);
      return FALSE;
    }
  return check_owner (path, error) && collet_key_read (path, &key->key, error);
}

ColletKeyRing *
collet_key_ring_read (const char *folder, GError **error)
{
  g_autoptr (ColletKeyRing) self = g_new0 (ColletKeyRing, 1);
  g_autoptr (GError) reason = NULL;
  g_autoptr (GDir) dir = folder != NULL ? g_dir_open (folder, 0, &reason) : NULL;

  self->keys = g_ptr_array_new_with_free_func ((GDestroyNotify)ring_key_free);
  if (folder == NULL || g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return g_steal_pointer (&self);
  if (dir == NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED, "The trusted keys cannot be read: %s",
                   reason->message);
      return NULL;
    }
  if (!check_owner (folder, error))
    return NULL;
  for (const char *file = g_dir_read_name (dir); file != NULL; file = g_dir_read_name (dir))
    {
      if (!add_key (self, folder, file, &reason))
        {
          g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED, "The trusted keys are not in order: %s",
                       reason->message);
          return NULL;
        }
    }
  return g_steal_pointer (&self);
}

gboolean
collet_key_ring_is_empty (const ColletKeyRing *self)
{
  return self->keys->len == 0;
}

const ColletRingKey *
collet_key_ring_find (const ColletKeyRing *self, const guint8 id[COLLET_KEY_ID_SIZE])
{
  const ColletRingKey *found = NULL;

  for (guint i = 0; i < self->keys->len; i++)
    {
      const ColletRingKey *key = self->keys->pdata[i];

      if (memcmp (key->key.id, id, COLLET_KEY_ID_SIZE) == 0 && (found == NULL || key->is_revoked))
        found = key;
    }
  return found;
}

GHashTable *
collet_key_ring_list_revoked (const ColletKeyRing *self)
{
  GHashTable *ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < self->keys->len; i++)
    {
      const ColletRingKey *key = self->keys->pdata[i];

      if (key->is_revoked)
        g_hash_table_add (ids, collet_key_id_to_string (key->key.id));
    }
  return ids;
}
