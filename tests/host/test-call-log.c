/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the log has of modules and their calls: a writer of its own sees the fields. */
#include "collet-module.h"

#include <string.h>

#include "collet-call-log.h"
#include "collet-error.h"
#include "collet-fake-generation.h"
#include "collet-log-level.h"

#define LINE "{\"level\":\"error\",\"data\":\"the lights\\nwent out\"}"
#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"

static GPtrArray *entries; /* GHashTable: field to value */

static GLogWriterOutput
on_write (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  GHashTable *entry = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (gsize i = 0; i < n; i++)
    g_hash_table_insert (entry, g_strdup (fields[i].key), g_strdup (fields[i].value));
  g_ptr_array_add (entries, entry);
  return G_LOG_WRITER_HANDLED;
}

static const char *
field (guint index, const char *key)
{
  g_assert_cmpuint (index, <, entries->len);
  return g_hash_table_lookup (entries->pdata[index], key);
}

static void
add_line (FakeGeneration *generation, const ColletCall *call, int level, const char *json)
{
  collet_call_log_add_line (COLLET_GENERATION (generation), call, level, json, strlen (json));
}

static void
test_fields (void)
{
  g_autoptr (FakeGeneration) generation = fake_generation_new (7);
  g_autoptr (GError) error = g_error_new (COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED, "It is gone.");
  const ColletCall call = { .tool = "light", .trace = TRACE, .caller = "uid:3", .log_level = 255 };

  g_ptr_array_set_size (entries, 0);
  add_line (generation, &call, COLLET_LEVEL_ERROR, LINE);
  g_assert_cmpstr (field (0, "MESSAGE"), ==, "m 1.0.0: light: the lights\nwent out (trace " TRACE ")");
  g_assert_cmpstr (field (0, "PRIORITY"), ==, "3");
  g_assert_cmpstr (field (0, "COLLET_MODULE"), ==, "m");
  g_assert_cmpstr (field (0, "COLLET_VERSION"), ==, "1.0.0");
  g_assert_cmpstr (field (0, "COLLET_GENERATION"), ==, "7");
  g_assert_cmpstr (field (0, "COLLET_TOOL"), ==, "light");
  g_assert_cmpstr (field (0, "COLLET_TRACE"), ==, TRACE);
  g_assert_cmpstr (field (0, "COLLET_CALLER"), ==, "uid:3");
  g_assert_null (field (0, "COLLET_ERROR"));
  add_line (generation, NULL, COLLET_LEVEL_EMERGENCY, LINE);
  g_assert_cmpstr (field (1, "PRIORITY"), ==, "0");
  g_assert_null (field (1, "COLLET_TOOL"));
  collet_call_log_add_failure (COLLET_GENERATION (generation), &call, error);
  g_assert_cmpstr (field (2, "COLLET_ERROR"), ==, "WorkerCrashed");
  g_assert_cmpstr (field (2, "COLLET_TRACE"), ==, TRACE);
}

static void
test_level (void)
{
  g_autoptr (FakeGeneration) generation = fake_generation_new (1);
  const ColletCall curious = { .tool = "t", .log_level = COLLET_LEVEL_DEBUG };
  const ColletCall quiet = { .tool = "t", .log_level = COLLET_NO_LOG_LEVEL };

  g_ptr_array_set_size (entries, 0);
  add_line (generation, NULL, COLLET_LEVEL_NOTICE, LINE);
  g_assert_cmpuint (entries->len, ==, 0);
  add_line (generation, NULL, COLLET_LEVEL_WARNING, LINE);
  g_assert_cmpuint (entries->len, ==, 1);
  g_assert_cmpint (collet_call_log_choose_level (&curious), ==, COLLET_LEVEL_DEBUG);
  g_assert_cmpint (collet_call_log_choose_level (&quiet), ==, COLLET_LEVEL_WARNING);
  collet_call_log_set_level (COLLET_NO_LOG_LEVEL);
  add_line (generation, NULL, COLLET_LEVEL_EMERGENCY, LINE);
  g_assert_cmpuint (entries->len, ==, 1);
  collet_call_log_set_level (COLLET_LEVEL_WARNING);
}

/* A module's process can send anything. */
static void
test_nonsense (void)
{
  static const char *const lines[] = { "", "{", "[]", "{}", "{\"data\":1}", "{\"data\":\"\xff\"}" };
  g_autoptr (FakeGeneration) generation = fake_generation_new (1);

  g_ptr_array_set_size (entries, 0);
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    add_line (generation, NULL, COLLET_LEVEL_ERROR, lines[i]);
  add_line (generation, NULL, COLLET_LEVEL_EMERGENCY + 1, LINE);
  g_assert_cmpuint (entries->len, ==, 0);
}

static void
test_flood (void)
{
  g_autoptr (FakeGeneration) generation = fake_generation_new (1);
  guint kept;

  g_ptr_array_set_size (entries, 0);
  for (guint i = 0; i < 100000; i++)
    add_line (generation, NULL, COLLET_LEVEL_ERROR, LINE);
  do /* until the last one was left out */
    {
      kept = entries->len;
      add_line (generation, NULL, COLLET_LEVEL_ERROR, LINE);
    }
  while (entries->len > kept);
  g_assert_cmpuint (kept, <, 1000);
  g_usleep (100 * 1000); /* in which there is room again for two */
  add_line (generation, NULL, COLLET_LEVEL_ERROR, LINE);
  g_assert_cmpuint (entries->len, ==, kept + 2);
  g_assert_nonnull (strstr (field (kept, "MESSAGE"), "left out"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  entries = g_ptr_array_new_with_free_func ((GDestroyNotify)g_hash_table_unref);
  g_log_set_writer_func (on_write, NULL, NULL);
  g_test_add_func ("/host/call-log/says-what-and-which-call-it-is-about", test_fields);
  g_test_add_func ("/host/call-log/keeps-what-is-grave-enough", test_level);
  g_test_add_func ("/host/call-log/passes-over-what-makes-no-sense", test_nonsense);
  g_test_add_func ("/host/call-log/is-not-flooded", test_flood);
  return g_test_run ();
}
