/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-spawn.h"

#include <signal.h>
#include <string.h>

#include "collet-error.h"
#include "collet-wire.h"

struct _ColletSpawn
{
  GObject parent_instance;

  guint children;
};

G_DEFINE_FINAL_TYPE (ColletSpawn, collet_spawn, G_TYPE_OBJECT)

static void
collet_spawn_class_init (ColletSpawnClass *klass)
{
}

static void
collet_spawn_init (ColletSpawn *self)
{
}

ColletSpawn *
fake_spawn_new (void)
{
  return g_object_new (COLLET_TYPE_SPAWN, NULL);
}

guint
fake_spawn_get_children (ColletSpawn *self)
{
  return self->children;
}

static void
probed_free (gpointer data)
{
  ColletProbed *probed = data;

  g_clear_pointer (&probed->read, g_bytes_unref);
  g_clear_pointer (&probed->run, g_bytes_unref);
  g_free (probed);
}

static GBytes *new_report (const char *format, ...) G_GNUC_PRINTF (1, 2);

static GBytes *
new_report (const char *format, ...)
{
  va_list list;

  va_start (list, format);
  char *text = g_strdup_vprintf (format, list);
  va_end (list);
  return g_bytes_new_take (text, strlen (text));
}

static GBytes *
report_on_file (const char *kind)
{
  if (g_str_equal (kind, "noise"))
    return new_report ("hello");
  if (g_str_equal (kind, "no-manifest"))
    return new_report (
        "{\"checks\":[{\"name\":\"manifest-note\",\"outcome\":\"failed\",\"evidence\":\"none\"}],"
        "\"error\":\"InvalidManifest\",\"message\":\"no note\"}");
  return new_report ("{\"checks\":[{\"name\":\"machine\",\"outcome\":\"passed\",\"evidence\":\"x86-64\"}],"
                     "\"manifest\":\"{\\\"name\\\":\\\"%s\\\",\\\"version\\\":\\\"1.0.0\\\",\\\"tools\\\":[{"
                     "\\\"name\\\":\\\"%s\\\",\\\"inputSchema\\\":{\\\"type\\\":\\\"object\\\"}}]%s}\","
                     "\"build_id\":\"0a1b\"}",
                     kind, kind, g_str_equal (kind, "stateful") ? ",\\\"state\\\":{\\\"format\\\":1}" : "");
}

static GBytes *
report_on_run (const char *kind, gboolean starved)
{
  if (g_str_equal (kind, "liar"))
    return new_report ("{\"checks\":[{\"name\":\"machine\",\"outcome\":\"passed\",\"evidence\":\"any\"}]}");
  if (starved || g_str_equal (kind, "fail"))
    return new_report ("{\"checks\":[{\"name\":\"init\",\"outcome\":\"failed\",\"evidence\":\"no licence\"}],"
                       "\"error\":\"ValidationFailed\",\"message\":\"no licence\"}");
  return new_report ("{\"checks\":[{\"name\":\"dlopen\",\"outcome\":\"passed\",\"evidence\":\"loaded\"}],"
                     "\"stateful\":false}");
}

typedef struct
{
  int died_at;
  int wait_status;
} Death;

static int
run_one (const char *kind, gboolean poisoned)
{
  if (poisoned || g_str_equal (kind, "crash-run"))
    return SIGSEGV;
  if (g_str_equal (kind, "exit-run"))
    return 3 << 8;
  return g_str_equal (kind, "hang-run") ? SIGKILL : 0;
}

void
collet_spawn_probe_async (ColletSpawn *self, const char *const *paths, const struct collet_limits *limits,
                          gboolean brief, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  guint n = g_strv_length ((char **)paths);
  g_auto (GStrv) kinds = g_new0 (char *, n + 1);
  GPtrArray *reports = g_ptr_array_new_with_free_func (probed_free);
  Death *death = g_new0 (Death, 1);
  gboolean poisoned = FALSE;
  gboolean starved = FALSE;

  self->children++;
  death->died_at = -1;
  g_task_set_task_data (task, death, g_free);
  for (guint i = 0; i < n; i++)
    {
      g_ptr_array_add (reports, g_new0 (ColletProbed, 1));
      g_assert_true (g_file_get_contents (paths[i], &kinds[i], NULL, NULL));
    }
  for (guint i = 0; i < n && death->died_at < 0; i++)
    {
      if (g_str_equal (kinds[i], "crash-read"))
        *death = (Death){ (int)i, SIGBUS };
      else
        ((ColletProbed *)reports->pdata[i])->read = report_on_file (kinds[i]);
    }
  for (guint i = 0; i < n && death->died_at < 0; i++)
    {
      int status = run_one (kinds[i], poisoned);
      poisoned = g_str_equal (kinds[i], "poison");
      if (status == SIGKILL)
        g_usleep (limits->deadline_ms * 1000);
      if (status != 0)
        *death = (Death){ (int)i, status };
      else
        ((ColletProbed *)reports->pdata[i])->run = report_on_run (kinds[i], starved);
      starved = starved || g_str_equal (kinds[i], "greedy");
    }
  if (g_strv_contains ((const char *const *)kinds, "refuse-all"))
    {
      g_ptr_array_unref (reports);
      g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED, "The fork server is gone");
      return;
    }
  g_task_return_pointer (task, reports, (GDestroyNotify)g_ptr_array_unref);
}

GPtrArray *
collet_spawn_probe_finish (ColletSpawn *self, GAsyncResult *result, int *died_at, int *wait_status,
                           GError **error)
{
  Death *death = g_task_get_task_data (G_TASK (result));

  *died_at = death->died_at;
  *wait_status = death->wait_status;
  return g_task_propagate_pointer (G_TASK (result), error);
}
