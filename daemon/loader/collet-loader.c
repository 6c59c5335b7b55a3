/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-loader.h"

#include "collet-artifact-store.h"
#include "collet-error.h"
#include "collet-examination.h"
#include "collet-key-ring.h"

struct _ColletLoader
{
  GObject parent_instance;

  ColletExaminer examiner;
};

G_DEFINE_FINAL_TYPE (ColletLoader, collet_loader, G_TYPE_OBJECT)

/* Enough for what a module may do while it is loaded; little enough that a whole
 * batch of bad ones is over soon. */
static const struct collet_limits default_limits = {
  .address_space = G_GUINT64_CONSTANT (4) << 30,
  .file_size = 1 << 20,
  .open_files = 64,
  .threads = 16,
  .cpu_seconds = 30,
  .deadline_ms = 5000,
};

static void
collet_loader_finalize (GObject *object)
{
  ColletLoader *self = COLLET_LOADER (object);

  g_clear_pointer (&self->examiner.store, collet_artifact_store_unref);
  g_clear_object (&self->examiner.spawn);
  collet_trust_policy_clear (&self->examiner.trust);
  G_OBJECT_CLASS (collet_loader_parent_class)->finalize (object);
}

static void
collet_loader_class_init (ColletLoaderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_loader_finalize;
}

static void
collet_loader_init (ColletLoader *self)
{
  self->examiner.limits = default_limits;
  self->examiner.trust = (ColletTrustPolicy){ .level = COLLET_TRUST_OWNED, .trusts_caller = TRUE };
}

ColletLoader *
collet_loader_new (const char *folder, ColletSpawn *spawn, GError **error)
{
  g_return_val_if_fail (folder != NULL, NULL);
  g_return_val_if_fail (COLLET_IS_SPAWN (spawn), NULL);

  ColletArtifactStore *store = collet_artifact_store_open (folder, error);
  if (store == NULL)
    return NULL;

  ColletLoader *self = g_object_new (COLLET_TYPE_LOADER, NULL);
  self->examiner.store = store;
  self->examiner.spawn = g_object_ref (spawn);
  return self;
}

const char *
collet_loader_get_folder (ColletLoader *self)
{
  g_return_val_if_fail (COLLET_IS_LOADER (self), NULL);
  return collet_artifact_store_get_folder (self->examiner.store);
}

void
collet_loader_set_trust (ColletLoader *self, const ColletTrustPolicy *policy)
{
  g_return_if_fail (COLLET_IS_LOADER (self));
  collet_trust_policy_clear (&self->examiner.trust);
  collet_trust_policy_copy (policy, &self->examiner.trust);
}

void
collet_loader_set_probe_limits (ColletLoader *self, const struct collet_limits *limits)
{
  g_return_if_fail (COLLET_IS_LOADER (self));
  g_return_if_fail (limits->deadline_ms > 0);
  self->examiner.limits = *limits;
}

void
collet_loader_get_probe_limits (ColletLoader *self, struct collet_limits *limits)
{
  g_return_if_fail (COLLET_IS_LOADER (self));
  *limits = self->examiner.limits;
}

/* ---- examining ---- */

static void
on_examined (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  GPtrArray *candidates = collet_examination_run_finish (result, &error);

  if (candidates != NULL)
    g_task_return_pointer (task, candidates, (GDestroyNotify)g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

static GTask *
new_task (ColletLoader *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data,
          gpointer tag)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

void
collet_loader_examine_async (ColletLoader *self, const char *const *sources, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (COLLET_IS_LOADER (self));
  g_return_if_fail (sources != NULL);

  guint n = g_strv_length ((char **)sources);
  g_autofree ColletArtifactSource *list = g_new0 (ColletArtifactSource, n);
  for (guint i = 0; i < n; i++)
    list[i] = (ColletArtifactSource){ .path = sources[i], .name = sources[i], .fd = -1 };

  GTask *task = new_task (self, cancellable, callback, user_data, collet_loader_examine_async);
  collet_examination_run_async (&self->examiner, list, n, FALSE, cancellable, on_examined, task);
}

GPtrArray *
collet_loader_examine_finish (ColletLoader *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static ColletCandidate *
finish_one (GAsyncResult *result, GError **error)
{
  g_autoptr (GPtrArray) candidates = g_task_propagate_pointer (G_TASK (result), error);

  return candidates != NULL ? g_ptr_array_steal_index (candidates, 0) : NULL;
}

void
collet_loader_examine_fd_async (ColletLoader *self, int fd, const char *name, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (COLLET_IS_LOADER (self));
  g_return_if_fail (fd >= 0);

  ColletArtifactSource source = { .path = NULL, .name = name, .fd = fd };
  GTask *task = new_task (self, cancellable, callback, user_data, collet_loader_examine_fd_async);
  collet_examination_run_async (&self->examiner, &source, 1, FALSE, cancellable, on_examined, task);
}

ColletCandidate *
collet_loader_examine_fd_finish (ColletLoader *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return finish_one (result, error);
}

void
collet_loader_validate_async (ColletLoader *self, const char *source, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (COLLET_IS_LOADER (self));

  ColletArtifactSource one = { .path = source, .name = source, .fd = -1 };
  GTask *task = new_task (self, cancellable, callback, user_data, collet_loader_validate_async);
  collet_examination_run_async (&self->examiner, &one, 1, TRUE, cancellable, on_examined, task);
}

ColletCandidate *
collet_loader_validate_finish (ColletLoader *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return finish_one (result, error);
}

/* ---- what is stored ---- */

typedef struct
{
  ColletVersion *version;
  ColletTrustPolicy policy; /* as it was when it was asked for */
  gboolean comes_back;
} Verification;

static void
verification_free (Verification *self)
{
  collet_version_unref (self->version);
  collet_trust_policy_clear (&self->policy);
  g_free (self);
}

static void
verify_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  ColletArtifactStore *store = COLLET_LOADER (source)->examiner.store;
  Verification *self = task_data;
  const ColletVersion *version = self->version;
  g_autofree char *path = collet_artifact_store_dup_path (store, version->sha256);
  GError *error = NULL;

  if (!collet_artifact_store_verify (store, version->sha256, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (self->comes_back && !collet_trust_judge_retained (&self->policy, version, path, &error))
    {
      g_prefix_error (&error, "Version %.12s (%s): ", version->sha256, version->semver);
      g_task_return_error (task, error);
      return;
    }
  g_task_return_pointer (task, g_steal_pointer (&path), g_free);
}

void
collet_loader_verify_async (ColletLoader *self, ColletVersion *version, gboolean comes_back,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (COLLET_IS_LOADER (self));

  g_autoptr (GTask) task = new_task (self, cancellable, callback, user_data, collet_loader_verify_async);
  Verification *verification = g_new0 (Verification, 1);
  verification->version = collet_version_ref (version);
  collet_trust_policy_copy (&self->examiner.trust, &verification->policy);
  verification->comes_back = comes_back;
  g_task_set_task_data (task, verification, (GDestroyNotify)verification_free);
  g_task_run_in_thread (task, verify_in_thread);
}

char *
collet_loader_verify_finish (ColletLoader *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
list_revoked_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  GError *error = NULL;
  g_autoptr (ColletKeyRing) ring = collet_key_ring_read (task_data, &error);

  if (ring == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, collet_key_ring_list_revoked (ring), (GDestroyNotify)g_hash_table_unref);
}

void
collet_loader_list_revoked_async (ColletLoader *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (COLLET_IS_LOADER (self));

  g_autoptr (GTask) task = new_task (self, NULL, callback, user_data, collet_loader_list_revoked_async);
  g_task_set_task_data (task, g_strdup (self->examiner.trust.keys), g_free);
  g_task_run_in_thread (task, list_revoked_in_thread);
}

GHashTable *
collet_loader_list_revoked_finish (ColletLoader *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static gboolean
discard (gpointer user_data, const void *bytes, gsize size, GError **error)
{
  return TRUE;
}

static void
identify_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const ColletArtifactSource file = { .path = task_data, .name = task_data, .fd = -1 };
  GError *error = NULL;
  g_autoptr (ColletArtifactCopier) copier = collet_artifact_copier_new (&error);
  ColletArtifactFacts facts;

  if (copier != NULL && collet_artifact_copier_run (copier, &file, discard, NULL, &facts, &error))
    g_task_return_pointer (task, g_strdup (facts.digest.sha256), g_free);
  else
    g_task_return_error (task, error);
}

void
collet_loader_identify_async (ColletLoader *self, const char *path, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_return_if_fail (COLLET_IS_LOADER (self));

  g_autoptr (GTask) task = new_task (self, NULL, callback, user_data, collet_loader_identify_async);
  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, identify_in_thread);
}

char *
collet_loader_identify_finish (ColletLoader *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

char *
collet_loader_find_path (ColletLoader *self, const char *sha256)
{
  g_autofree char *path = collet_artifact_store_dup_path (self->examiner.store, sha256);

  return g_file_test (path, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer (&path) : NULL;
}

guint
collet_loader_collect (ColletLoader *self, GHashTable *keep)
{
  g_return_val_if_fail (COLLET_IS_LOADER (self), 0);
  return collet_artifact_store_collect (self->examiner.store, keep);
}
