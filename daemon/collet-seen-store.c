/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-seen-store.h"

#include <string.h>

#include <gio/gio.h>
#include <glib/gstdio.h>

#define FILE_NAME "store"

struct _ColletSeenStore
{
  GFile *file;
  GCancellable *cancellable; /* of the write under way */
};

ColletSeenStore *
collet_seen_store_new (const char *folder)
{
  ColletSeenStore *self = g_new0 (ColletSeenStore, 1);

  self->file = g_file_new_build_filename (folder, FILE_NAME, NULL);
  return self;
}

static void
cancel (ColletSeenStore *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
}

void
collet_seen_store_free (ColletSeenStore *self)
{
  cancel (self);
  g_object_unref (self->file);
  g_free (self);
}

char *
collet_seen_store_read (ColletSeenStore *self, gint64 *revision)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;

  if (!g_file_get_contents (g_file_peek_path (self->file), &text, NULL, NULL))
    return NULL;
  words = g_strsplit (g_strstrip (text), " ", 3);
  if (g_strv_length (words) != 2 || !g_ascii_string_to_signed (words[1], 10, 1, G_MAXINT64, revision, NULL))
    {
      g_warning ("%s does not say how far the cluster's store was seen; it is written anew.",
                 g_file_peek_path (self->file));
      return NULL;
    }
  return g_strdup (words[0]);
}

static void
on_written (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!g_file_replace_contents_finish (G_FILE (object), result, NULL, &error) &&
      !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_warning ("How far the cluster's store was seen is not remembered: %s", error->message);
}

void
collet_seen_store_write (ColletSeenStore *self, const char *store_id, gint64 revision)
{
  g_autofree char *text = g_strdup_printf ("%s %" G_GINT64_FORMAT "\n", store_id, revision);
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  cancel (self);
  self->cancellable = g_cancellable_new ();
  g_file_replace_contents_bytes_async (self->file, bytes, NULL, FALSE,
                                       G_FILE_CREATE_PRIVATE | G_FILE_CREATE_REPLACE_DESTINATION,
                                       self->cancellable, on_written, NULL);
}

void
collet_seen_store_forget (ColletSeenStore *self)
{
  cancel (self);
  g_unlink (g_file_peek_path (self->file));
}
