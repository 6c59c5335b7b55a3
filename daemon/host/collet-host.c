/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-host.h"

#include "collet-host-private.h"
#include "collet-inproc-generation.h"
#include "collet-worker-generation.h"

#define MAX_EARLY_EXITS 256

/* Enough for any tool, not for one that eats the machine. Sanitizers map terabytes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ADDRESS_SPACE 0
#else
#define ADDRESS_SPACE (G_GUINT64_CONSTANT (4) << 30)
#endif

typedef struct
{
  const ColletProcessHandler *handler;
  gpointer user_data;
} ExitWait;

struct _ColletHost
{
  GObject parent_instance;
  ColletHostParts *parts;
  gulong exited, refused;
};

G_DEFINE_FINAL_TYPE (ColletHost, collet_host, G_TYPE_OBJECT)

void
collet_host_config_init (ColletHostConfig *config)
{
  *config = (ColletHostConfig){
    .limits = { .address_space = ADDRESS_SPACE, .open_files = 64, .threads = 64 },
    .executors = 8,
    .max_in_flight = 4096,
    .start_timeout_ms = 10000,
    .step_timeout_ms = 30000,
    .restart_burst = 5,
    .restart_window_s = 30,
    .grace_ms = 2000,
  };
}

/* Parts */

ColletHostParts *
collet_host_parts_ref (ColletHostParts *parts)
{
  parts->ref_count++;
  return parts;
}

void
collet_host_parts_unref (ColletHostParts *parts)
{
  if (--parts->ref_count > 0)
    return;
  collet_io_stop (parts->io);
  collet_mailbox_free (parts->mailbox);
  collet_io_free (parts->io);
  g_clear_object (&parts->spawn);
  g_hash_table_unref (parts->live);
  g_hash_table_unref (parts->waits);
  g_hash_table_unref (parts->exits);
  g_free (parts);
}

void
collet_host_parts_add_live (ColletHostParts *parts, ColletGeneration *generation)
{
  if (!g_hash_table_contains (parts->live, generation))
    g_hash_table_add (parts->live, g_object_ref (generation));
}

void
collet_host_parts_remove_live (ColletHostParts *parts, ColletGeneration *generation)
{
  g_hash_table_remove (parts->live, generation);
}

void
collet_host_parts_expect_exit (ColletHostParts *parts, pid_t pid, const ColletProcessHandler *handler,
                               gpointer user_data)
{
  gpointer key = GINT_TO_POINTER (pid);
  int status = GPOINTER_TO_INT (g_hash_table_lookup (parts->exits, key)) - 1;
  ExitWait *wait;

  if (g_hash_table_remove (parts->exits, key))
    {
      handler->exited (user_data, status);
      return;
    }
  wait = g_new (ExitWait, 1);
  *wait = (ExitWait){ handler, user_data };
  g_hash_table_insert (parts->waits, key, wait);
}

void
collet_host_parts_forget_exit (ColletHostParts *parts, pid_t pid)
{
  g_hash_table_remove (parts->waits, GINT_TO_POINTER (pid));
}

static void
on_exited (ColletSpawn *spawn, int pid, int status, gpointer user_data)
{
  ColletHostParts *parts = user_data;
  gpointer key = GINT_TO_POINTER (pid);
  ExitWait *wait = g_hash_table_lookup (parts->waits, key);
  ExitWait found;

  if (wait == NULL)
    {
      /* It died before anybody knew of it. */
      if (g_hash_table_size (parts->exits) < MAX_EARLY_EXITS)
        g_hash_table_insert (parts->exits, key, GINT_TO_POINTER (status + 1));
      return;
    }
  found = *wait;
  g_hash_table_remove (parts->waits, key);
  found.handler->exited (found.user_data, status);
}

static void
on_refused (ColletSpawn *spawn, int pid, const char *system_call, guint64 times, gpointer user_data)
{
  ColletHostParts *parts = user_data;
  ExitWait *wait = g_hash_table_lookup (parts->waits, GINT_TO_POINTER (pid));

  if (wait != NULL)
    wait->handler->refused (wait->user_data, system_call, times);
}

/* Host */

ColletHost *
collet_host_new (ColletSpawn *spawn, const ColletHostConfig *config)
{
  g_autoptr (GError) error = NULL;
  ColletIo *io = collet_io_new (&error);
  ColletHostParts *parts;
  ColletHost *self;

  if (io == NULL)
    {
      g_warning ("%s", error->message);
      return NULL;
    }
  parts = g_new0 (ColletHostParts, 1);
  parts->ref_count = 1;
  parts->io = io;
  parts->mailbox = collet_mailbox_new ();
  parts->spawn = spawn != NULL ? g_object_ref (spawn) : NULL;
  parts->config = *config;
  parts->live = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  parts->waits = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  parts->exits = g_hash_table_new (NULL, NULL);

  self = g_object_new (COLLET_TYPE_HOST, NULL);
  self->parts = parts;
  if (spawn != NULL)
    {
      self->exited = g_signal_connect (spawn, "exited", G_CALLBACK (on_exited), parts);
      self->refused = g_signal_connect (spawn, "refused", G_CALLBACK (on_refused), parts);
    }
  return self;
}

ColletGeneration *
collet_host_create (ColletHost *host, ColletHostKind kind, ColletGenerationSpec *spec)
{
  if (kind == COLLET_HOST_IN_PROCESS)
    return collet_inproc_generation_new (host->parts, spec);
  g_return_val_if_fail (host->parts->spawn != NULL, NULL);
  return collet_worker_generation_new (host->parts, spec);
}

static void
abandon (gpointer generation, gpointer value, gpointer user_data)
{
  if (COLLET_IS_WORKER_GENERATION (generation))
    collet_worker_generation_abandon (generation);
  else
    collet_inproc_generation_abandon (generation);
}

static void
collet_host_dispose (GObject *object)
{
  ColletHost *self = COLLET_HOST (object);
  ColletHostParts *parts = g_steal_pointer (&self->parts);

  if (parts != NULL)
    {
      parts->closed = TRUE;
      g_hash_table_foreach (parts->live, abandon, NULL);
      if (self->exited != 0)
        {
          g_signal_handler_disconnect (parts->spawn, self->exited);
          g_signal_handler_disconnect (parts->spawn, self->refused);
        }
      collet_io_stop (parts->io);
      collet_mailbox_flush (parts->mailbox);
      g_hash_table_remove_all (parts->live);
      collet_host_parts_unref (parts);
    }
  G_OBJECT_CLASS (collet_host_parent_class)->dispose (object);
}

static void
collet_host_class_init (ColletHostClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = collet_host_dispose;
}

static void
collet_host_init (ColletHost *self)
{
}
