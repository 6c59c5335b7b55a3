/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-fake-generation.h"

#include <pthread.h>

#include "collet-error.h"
#include "collet-generation-private.h"
#include "collet-test-calls.h"

struct _FakeGeneration
{
  ColletGeneration parent_instance;
  pthread_mutex_t lock;
  GQueue calls;
  guint n_cancelled;
  gboolean prompt;
  GString *seen;
};

G_DEFINE_FINAL_TYPE (FakeGeneration, fake_generation, COLLET_TYPE_GENERATION)

static void
answer (FakeGeneration *self, ColletCall *call)
{
  ColletCallResult result = { .json = "{}", .json_size = 2 };

  collet_generation_answer (COLLET_GENERATION (self), call, &result);
  collet_generation_release_lease (COLLET_GENERATION (self));
}

static void
fake_generation_dispatch (ColletGeneration *generation, ColletCall *call)
{
  FakeGeneration *self = FAKE_GENERATION (generation);
  gboolean prompt;

  pthread_mutex_lock (&self->lock);
  prompt = self->prompt;
  if (self->seen->len < 1000)
    g_string_append_len (self->seen, call->arguments, (gssize)call->arguments_size);
  if (!prompt)
    g_queue_push_tail (&self->calls, call);
  pthread_mutex_unlock (&self->lock);
  if (prompt)
    answer (self, call);
}

static void
fake_generation_cancel (ColletGeneration *generation, ColletCall *call)
{
  FakeGeneration *self = FAKE_GENERATION (generation);

  pthread_mutex_lock (&self->lock);
  self->n_cancelled++;
  pthread_mutex_unlock (&self->lock);
}

gboolean
fake_generation_answer_one (FakeGeneration *self)
{
  ColletCall *call;

  pthread_mutex_lock (&self->lock);
  call = g_queue_pop_head (&self->calls);
  pthread_mutex_unlock (&self->lock);
  if (call != NULL)
    answer (self, call);
  return call != NULL;
}

static void
fake_generation_kill (ColletGeneration *generation)
{
  FakeGeneration *self = FAKE_GENERATION (generation);
  g_autoptr (GError) error = g_error_new_literal (COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT, "ended");
  ColletCall *call;

  while ((call = g_queue_pop_head (&self->calls)) != NULL)
    collet_generation_refuse (generation, call, error);
}

static void
fake_generation_stop_async (ColletGeneration *generation, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (generation, cancellable, callback, user_data);

  g_task_return_boolean (task, TRUE);
}

static gboolean
fake_generation_stop_finish (ColletGeneration *generation, GAsyncResult *result, gboolean *killed,
                             gboolean *unloaded)
{
  *killed = FALSE;
  *unloaded = TRUE;
  return g_task_propagate_boolean (G_TASK (result), NULL);
}

guint
fake_generation_get_held (FakeGeneration *self)
{
  guint held;

  pthread_mutex_lock (&self->lock);
  held = self->calls.length;
  pthread_mutex_unlock (&self->lock);
  return held;
}

guint
fake_generation_get_cancelled (FakeGeneration *self)
{
  guint n;

  pthread_mutex_lock (&self->lock);
  n = self->n_cancelled;
  pthread_mutex_unlock (&self->lock);
  return n;
}

void
fake_generation_set_prompt (FakeGeneration *self, gboolean prompt)
{
  pthread_mutex_lock (&self->lock);
  self->prompt = prompt;
  pthread_mutex_unlock (&self->lock);
}

const char *
fake_generation_get_seen (FakeGeneration *self)
{
  return self->seen->str;
}

static void
fake_generation_finalize (GObject *object)
{
  FakeGeneration *self = FAKE_GENERATION (object);

  g_assert_cmpuint (self->calls.length, ==, 0);
  g_string_free (self->seen, TRUE);
  pthread_mutex_destroy (&self->lock);
  G_OBJECT_CLASS (fake_generation_parent_class)->finalize (object);
}

static void
fake_generation_class_init (FakeGenerationClass *klass)
{
  ColletGenerationClass *generation_class = COLLET_GENERATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fake_generation_finalize;
  generation_class->dispatch = fake_generation_dispatch;
  generation_class->cancel = fake_generation_cancel;
  generation_class->kill = fake_generation_kill;
  generation_class->stop_async = fake_generation_stop_async;
  generation_class->stop_finish = fake_generation_stop_finish;
}

static void
fake_generation_init (FakeGeneration *self)
{
  pthread_mutex_init (&self->lock, NULL);
  g_queue_init (&self->calls);
  self->seen = g_string_new (NULL);
}

FakeGeneration *
fake_generation_new (guint64 number)
{
  return fake_generation_new_version (number, "1.0.0", "/m.so");
}

FakeGeneration *
fake_generation_new_version (guint64 number, const char *version, const char *path)
{
  return g_object_new (FAKE_TYPE_GENERATION, "spec", test_spec_new (number, "m", version, "", path), NULL);
}
