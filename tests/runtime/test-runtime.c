/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collet-arguments.h"
#include "collet-buffer.h"
#include "collet-runtime.h"
#include "collet-wire.h"

typedef struct
{
  struct collet_runtime *runtime;
  struct collet_scratch *scratch;
  GString *events;
} Kit;

static char *
module_path (const char *variable, const char *name)
{
  const char *folder = g_getenv (variable);

  g_assert_nonnull (folder);
  return g_build_filename (folder, name, NULL);
}

static void
on_progress (void *user_data, const char *json, size_t size)
{
  g_string_append_len (user_data, json, (gssize)size);
  g_string_append_c (user_data, '\n');
}

static void
on_log (void *user_data, enum collet_level level, const char *json, size_t size)
{
  g_string_append_printf (user_data, "%d%.*s\n", (int)level, (int)size, json);
}

static void
kit_set_up (Kit *kit, gconstpointer data)
{
  g_autofree char *path = module_path ("COLLET_KIT_DIR", "kit.so");
  struct collet_failure failure;
  struct collet_sink sink = { on_progress, on_log, NULL };

  kit->events = g_string_new (NULL);
  sink.user_data = kit->events;
  kit->runtime = collet_runtime_open (path, &failure);
  if (kit->runtime == NULL)
    g_error ("%s: %s", failure.name, failure.message);
  kit->scratch = collet_scratch_new ();
  collet_runtime_set_sink (kit->runtime, &sink);
  g_assert_true (collet_runtime_init (kit->runtime, &failure));
}

static void
kit_tear_down (Kit *kit, gconstpointer data)
{
  bool unloaded = false;

  collet_scratch_free (kit->scratch);
  collet_runtime_close (kit->runtime, &unloaded);
  g_assert_true (unloaded);
  g_string_free (kit->events, TRUE);
}

static struct collet_request
request_for (const char *tool, const char *arguments)
{
  return (struct collet_request){ .tool = tool,
                                  .tool_size = strlen (tool),
                                  .arguments = arguments,
                                  .arguments_size = arguments != NULL ? strlen (arguments) : 0,
                                  .deadline_us = INT64_MAX,
                                  .log_level = COLLET_LOG_NONE };
}

static const char *
run (Kit *kit, struct collet_request request, int status)
{
  const struct collet_sink sink = { on_progress, on_log, kit->events };
  struct collet_result result;

  collet_runtime_call (kit->runtime, kit->scratch, &request, &sink, &result);
  g_assert_cmpint (result.status, ==, status);
  g_assert_cmpuint (strlen (result.json), ==, result.size);
  return result.json;
}

#define TEXT(text) "{\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}]"

static void
test_getters (Kit *kit, gconstpointer data)
{
  const char *absent = TEXT ("0:0 0:-1 0:-1.000 0:unset:0 0:unset:0") "}";

  g_assert_cmpstr (run (kit, request_for ("get", NULL), 0), ==, absent);
  g_assert_cmpstr (
      run (kit,
           request_for (
               "get", " { \"x\" : [ \"}\\\"\" , {\"flag\":false} ] , \"flag\" : true,\"whole\":-42,"
                      "\"number\":2.5e1,\"t\\u00e4xt\":\"a\\n\\ud83d\\ude00\",\"raw\":[1,{\"a\":\"]\"}] } "),
           0),
      ==, TEXT ("1:1 1:-42 1:25.000 1:a\\n\xf0\x9f\x98\x80:6 1:[1,{\\\"a\\\":\\\"]\\\"}]:13") "}");
  /* Other types are as good as absent. */
  g_assert_cmpstr (
      run (kit, request_for ("get", "{\"flag\":1,\"whole\":1.5,\"number\":\"1\",\"t\xc3\xa4xt\":null}"), 0),
      ==, absent);
  g_assert_cmpstr (run (kit, request_for ("arguments", NULL), 0), ==, TEXT ("{}") "}");
  g_assert_cmpstr (run (kit, request_for ("arguments", "{\"a\": 1}"), 0), ==, TEXT ("{\\\"a\\\": 1}") "}");
}

static void
test_content (Kit *kit, gconstpointer data)
{
  g_assert_cmpstr (
      run (kit, request_for ("content", NULL), 0), ==,
      "{\"content\":["
      "{\"type\":\"text\",\"text\":\"quote \\\" back \\\\ line\\n bell \\u0007 bad \xef\xbf\xbd\xef\xbf\xbd "
      "euro "
      "\xe2\x82\xac\"},"
      "{\"type\":\"text\",\"text\":\"a\xef\xbf\xbd"
      "b\"},"
      "{\"type\":\"image\",\"data\":\"AAECAw==\",\"mimeType\":\"image/png\"},"
      "{\"type\":\"audio\",\"data\":\"//4=\",\"mimeType\":\"application/octet-stream\"},"
      "{\"type\":\"resource_link\",\"uri\":\"file:///a\",\"name\":\"a\",\"description\":\"an \\\"a\\\"\"},"
      "{\"type\":\"resource\",\"resource\":{\"uri\":\"file:///b\",\"mimeType\":\"text/"
      "plain\",\"text\":\"b\\tb\"}},"
      "{\"type\":\"resource\",\"resource\":{\"uri\":\"file:///c\",\"blob\":\"Yw==\"}}"
      "],\"structuredContent\":{\"n\":2}}");
}

static void
test_outcomes (Kit *kit, gconstpointer data)
{
  g_assert_cmpstr (run (kit, request_for ("structured", NULL), COLLET_OK), ==,
                   TEXT ("{\\\"s\\\":\\\"\\\\\\\"\\\"}") ",\"structuredContent\":{\"s\":\"\\\"\"}}");
  g_assert_cmpstr (run (kit, request_for ("error", NULL), COLLET_FAILED), ==,
                   TEXT ("no such file") ",\"isError\":true}");
  g_assert_cmpstr (run (kit, request_for ("soft-error", NULL), COLLET_FAILED), ==,
                   TEXT ("said OK") ",\"isError\":true}");
  g_assert_cmpstr (run (kit, request_for ("silent", NULL), COLLET_FAILED), ==,
                   TEXT ("The tool failed without saying why.") ",\"isError\":true}");
  g_assert_cmpstr (run (kit, request_for ("nothing", NULL), COLLET_OK), ==, "{\"content\":[]}");
}

static void
test_events (Kit *kit, gconstpointer data)
{
  struct collet_request request = request_for ("events", NULL);

  g_assert_cmpstr (kit->events->str, ==, "1{\"level\":\"info\",\"data\":\"starting\"}\n"); /* of init */
  g_string_truncate (kit->events, 0);
  run (kit, request, 0);
  g_assert_cmpstr (kit->events->str, ==, ""); /* nobody asked */
  request.wants_progress = true;
  request.log_level = 3;
  run (kit, request, 0);
  g_assert_cmpstr (kit->events->str, ==,
                   "{\"progress\":1,\"total\":4,\"message\":\"one\"}\n{\"progress\":2.5}\n"
                   "3{\"level\":\"warning\",\"logger\":\"k\\\"it\",\"data\":\"warning\"}\n");
}

static void
test_questions (Kit *kit, gconstpointer data)
{
  struct collet_request request = request_for ("ask", "{\"questions\":2,\"state\":3}");
  const char *json;

  json = run (kit, request, COLLET_INPUT_REQUIRED);
  g_assert_cmpstr (json, ==,
                   "{\"inputRequests\":{\"q0\":{\"method\":\"roots/list\",\"params\":{}},"
                   "\"q1\":{\"method\":\"roots/list\",\"params\":{}}},\"state\":\"eHh4\"}");
  json = run (kit, request_for ("ask", "{\"questions\":1,\"size\":3}"), COLLET_INPUT_REQUIRED);
  g_assert_cmpstr (
      json, ==,
      "{\"inputRequests\":{\"q0\":{\"method\":\"elicitation/create\",\"params\":{\"m\":\"xxx\"}}}}");
  /* What does not fit is no question. */
  run (kit, request_for ("ask", "{\"questions\":1,\"state\":65536}"), COLLET_INPUT_REQUIRED);
  json = run (kit, request_for ("ask", "{\"questions\":1,\"state\":65537}"), COLLET_FAILED);
  g_assert_nonnull (strstr (json, "64 KiB"));
  json = run (kit, request_for ("ask", "{\"questions\":2,\"size\":600000}"), COLLET_FAILED);
  g_assert_nonnull (strstr (json, "1 MiB"));
  json = run (kit, request_for ("ask", "{\"questions\":0,\"state\":3}"), COLLET_FAILED);
  g_assert_nonnull (strstr (json, "asked nothing"));
}

static void
test_replies (Kit *kit, gconstpointer data)
{
  static const char replies[] =
      "{\"a\":{\"action\":\"accept\",\"content\":{\"t\\u00e4xt\":\"x\\ny\"}},\"b\":{\"action\":\"decline\"},"
      "\"c\":{\"action\":\"cancel\"},\"d\":{\"action\":\"perhaps\"}}";
  struct collet_request request = request_for ("replies", NULL);

  g_assert_cmpstr (run (kit, request, 0), ==, TEXT ("0000 0000 0:unset:0 0:unset 0:unset") "}");
  request.replies = replies;
  request.replies_size = strlen (replies);
  request.state = "a state";
  request.state_size = 7;
  request.questions = 5;
  g_assert_cmpstr (
      run (kit, request, 0), ==,
      TEXT ("1010 1230 1:x\\ny:3 1:{\\\"action\\\":\\\"accept\\\",\\\"content\\\":{\\\"t\\\\u00e4xt\\\""
            ":\\\"x\\\\ny\\\"}} 1:a state") "}");
}

static gpointer
cancel_soon (gpointer data)
{
  g_usleep (20000);
  atomic_store ((atomic_bool *)data, true);
  return NULL;
}

static void
test_cancel (Kit *kit, gconstpointer data)
{
  struct collet_request request = request_for ("spin", NULL);
  atomic_bool cancelled = false, stopping = false;
  GThread *thread;

  request.cancelled = &cancelled;
  request.stopping = &stopping;
  thread = g_thread_new ("cancel", cancel_soon, &cancelled);
  run (kit, request, COLLET_CANCELLED);
  g_thread_join (thread);
  /* Cancelled before it began: not run. */
  request.tool = "events";
  request.tool_size = 6;
  request.log_level = 0;
  g_string_truncate (kit->events, 0);
  g_assert_cmpstr (run (kit, request, COLLET_CANCELLED), ==, "{\"content\":[],\"isError\":true}");
  g_assert_cmpstr (kit->events->str, ==, "");
  atomic_store (&cancelled, false);
  atomic_store (&stopping, true);
  run (kit, request, COLLET_CANCELLED);
}

static void
test_deadline (Kit *kit, gconstpointer data)
{
  struct collet_request request = request_for ("spin", NULL);
  const char *json;
  gint64 before = g_get_monotonic_time ();

  request.deadline_us = before + 20000;
  run (kit, request, COLLET_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - before, >=, 20000);
  g_assert_cmpint (g_get_monotonic_time () - before, <, 5000000);
  request = request_for ("time", NULL);
  g_assert_cmpstr (run (kit, request, 0), ==, TEXT ("9223372036854775807") "}");
  request.deadline_us = g_get_monotonic_time () + 60000000;
  json = run (kit, request, 0);
  g_assert_true (g_str_has_prefix (json, TEXT ("59")) || g_str_has_prefix (json, TEXT ("60000")));
}

#undef TEXT

static void
test_large (Kit *kit, gconstpointer data)
{
  const char *json = run (kit, request_for ("large", "{\"size\": 67108000}"), COLLET_OK);

  g_assert_cmpuint (strlen (json), >, 67108000);
  json = run (kit, request_for ("large", "{\"size\": 67108864}"), COLLET_FAILED);
  g_assert_nonnull (strstr (json, "larger than 64 MiB"));
  g_assert_true (g_str_has_suffix (json, ",\"isError\":true}"));
  run (kit, request_for ("get", NULL), COLLET_OK); /* and the next one is well */
}

static void
test_state (Kit *kit, gconstpointer data)
{
  struct collet_failure failure;
  struct collet_bytes state;

  g_assert_true (collet_runtime_is_stateful (kit->runtime));
  g_assert_true (collet_runtime_has_code_change (kit->runtime));
  g_assert_false (collet_runtime_has_self_test (kit->runtime));
  g_assert_true (collet_runtime_self_test (kit->runtime, &failure));

  g_assert_true (collet_runtime_import_state (kit->runtime, "12345678", 8, &failure));
  g_assert_true (collet_runtime_export_state (kit->runtime, &state, &failure));
  g_assert_cmpmem (state.bytes, state.size, "12345678", 8);
  free (state.bytes);
  g_assert_false (collet_runtime_import_state (kit->runtime, "123", 3, &failure));
  g_assert_cmpstr (failure.name, ==, "StateMigrationFailed");
  g_assert_cmpstr (failure.message, ==, "The module's import_state failed: not 8 bytes.");

  g_assert_true (collet_runtime_code_change (kit->runtime, COLLET_DOWN, 1, "abc", 3, &state, &failure));
  g_assert_cmpmem (state.bytes, state.size, "down:abc", 8);
  free (state.bytes);
  g_assert_false (collet_runtime_code_change (kit->runtime, COLLET_UP, 8, "abc", 3, &state, &failure));
  g_assert_cmpstr (failure.message, ==,
                   "The module's code_change up from format 8 failed: it gave no reason.");
  g_assert_false (collet_runtime_code_change (kit->runtime, COLLET_UP, 9, "abc", 3, &state, &failure));
  g_assert_nonnull (strstr (failure.message, "64 MiB"));
}

/* The loader would hand out the old code and data. */
static void
test_second_open (Kit *kit, gconstpointer data)
{
  g_autofree char *path = module_path ("COLLET_KIT_DIR", "kit.so");
  g_autofree char *folder = g_dir_make_tmp (NULL, NULL);
  g_autofree char *link = g_build_filename (folder, "other-name.so", NULL);
  struct collet_failure failure;

  g_assert_null (collet_runtime_open (path, &failure));
  g_assert_cmpstr (failure.name, ==, "ValidationFailed");
  g_assert_cmpint (symlink (path, link), ==, 0);
  g_assert_null (collet_runtime_open (link, &failure));
  g_assert_cmpstr (failure.name, ==, "ValidationFailed");
  unlink (link);
  rmdir (folder);
}

static void
test_refused (void)
{
  static const struct
  {
    const char *file, *name, *message;
  } rows[] = {
    { "no-symbol.so", "InvalidModule", "does not define the symbol collet_module" },
    { "short-struct.so", "InvalidModule", "bytes" },
    { "no-call.so", "InvalidModule", "no call function" },
    { "abi-major.so", "AbiMismatch", "this Collet speaks 1.0 to 1.2" },
    { "abi-minor.so", "AbiMismatch", "this Collet speaks 1.0 to 1.2" },
    { "undefined-symbol.so", "InvalidModule", "undefined symbol" },
    { "does-not-exist.so", "InvalidModule", "No such file" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = module_path ("COLLET_TEST_MODULES_DIR", rows[i].file);
      struct collet_failure failure = { { 0 } };

      g_assert_null (collet_runtime_open (path, &failure));
      g_assert_cmpstr (failure.name, ==, rows[i].name);
      if (strstr (failure.message, rows[i].message) == NULL)
        g_error ("%s: %s", rows[i].file, failure.message);
      g_assert_cmpstr (failure.remedy, !=, "");
    }
}

/* The descriptor of a library that it needs is not its own. */
static void
test_borrowed_symbol (void)
{
  g_autofree char *path = module_path ("COLLET_KIT_DIR", "borrower.so");
  struct collet_failure failure = { { 0 } };

  g_assert_null (collet_runtime_open (path, &failure));
  g_assert_nonnull (strstr (failure.message, "does not define the symbol collet_module"));
}

static void
test_init_fails (void)
{
  g_autofree char *path = module_path ("COLLET_TEST_MODULES_DIR", "fail-init.so");
  struct collet_failure failure;
  struct collet_runtime *runtime = collet_runtime_open (path, &failure);
  bool unloaded = false;

  g_assert_nonnull (runtime);
  g_assert_false (collet_runtime_init (runtime, &failure));
  g_assert_cmpstr (failure.name, ==, "ValidationFailed");
  collet_runtime_close (runtime, &unloaded);
  g_assert_true (unloaded);
}

static void
test_resident (void)
{
  g_autofree char *path = module_path ("COLLET_TEST_MODULES_DIR", "nodelete.so");
  struct collet_failure failure;
  struct collet_runtime *runtime = collet_runtime_open (path, &failure);
  bool unloaded = true;

  g_assert_nonnull (runtime);
  collet_runtime_close (runtime, &unloaded);
  g_assert_false (unloaded);
}

static gpointer
call_many (gpointer data)
{
  Kit *kit = data;
  struct collet_scratch *scratch = collet_scratch_new ();

  for (int i = 0; i < 2000; i++)
    {
      g_autofree char *arguments = g_strdup_printf ("{\"whole\":%d}", i);
      g_autofree char *expected = g_strdup_printf ("1:%d ", i);
      struct collet_request request = request_for ("get", arguments);
      struct collet_result result;

      collet_runtime_call (kit->runtime, scratch, &request, NULL, &result);
      g_assert_nonnull (strstr (result.json, expected));
    }
  collet_scratch_free (scratch);
  return NULL;
}

static void
test_threads (Kit *kit, gconstpointer data)
{
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("caller", call_many, kit);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
test_integers (void)
{
  static const struct
  {
    const char *text;
    bool is_whole;
    gint64 value;
  } rows[] = {
    { "0", true, 0 },
    { "-0", true, 0 },
    { "7", true, 7 },
    { "1.0", true, 1 },
    { "1e2", true, 100 },
    { "1.50e1", true, 15 },
    { "-12.300E+1", true, -123 },
    { "500e-2", true, 5 },
    { "0e99999999999", true, 0 },
    { "0.000", true, 0 },
    { "9223372036854775807", true, G_MAXINT64 },
    { "-9223372036854775808", true, G_MININT64 },
    { "9223372036854775808", false, 0 },
    { "-9223372036854775809", false, 0 },
    { "9007199254740993.0", true, 9007199254740993 },
    { "1e19", false, 0 },
    { "1e400", false, 0 },
    { "1e-1", false, 0 },
    { "1.5", false, 0 },
    { "0.1", false, 0 },
    { "505e-2", false, 0 },
    { "true", false, 0 },
    { "\"1\"", false, 0 },
    { "-", true, 0 }, /* no JSON: anything but a crash */
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      struct collet_slice slice = { rows[i].text, strlen (rows[i].text) };
      gint64 value = 0;

      if (collet_slice_get_integer (&slice, &value) != rows[i].is_whole || value != rows[i].value)
        g_error ("%s: %" G_GINT64_FORMAT, rows[i].text, value);
    }
}

/* Any bytes at all: whatever is found lies within them. */
static void
test_garbage_arguments (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  const char alphabet[] = "{}[]\",:\\u0d8a1-e. \x80\xff";

  for (guint i = 0; i < 200000; i++)
    {
      gsize size = (gsize)g_rand_int_range (random, 0, 24);
      g_autofree char *text = g_malloc (size + 1); /* exact, for the sanitizers */
      struct collet_slice slice;

      for (gsize j = 0; j < size; j++)
        text[j] = alphabet[g_rand_int_range (random, 0, sizeof alphabet - 1)];
      if (size > 3)
        memcpy (text, "{\"", 2);
      text[size] = '\0';
      if (collet_arguments_find (text, size, "0", &slice))
        {
          g_autofree char *out = g_malloc (slice.size + 1);
          gint64 whole;
          double number;

          g_assert_true (slice.text >= text && slice.text + slice.size <= text + size);
          collet_slice_get_integer (&slice, &whole);
          collet_slice_get_number (&slice, &number);
          if (collet_slice_is_string (&slice))
            g_assert_cmpuint (collet_slice_unescape (&slice, out), <=, slice.size);
        }
    }
}

static void
test_numbers (void)
{
  static const double numbers[] = { 0, -1, 0.1, 1e15, 1e300, -2.5e-10, 1.0 / 3, 123456789012345678 };
  struct collet_buffer buffer;

  setlocale (LC_NUMERIC, "de_DE.UTF-8"); /* has a decimal comma, where it is installed */
  collet_buffer_init (&buffer, 100);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      collet_buffer_reset (&buffer);
      collet_buffer_append_number (&buffer, numbers[i]);
      g_assert_true (g_ascii_strtod (buffer.bytes, NULL) == numbers[i]);
      g_assert_null (strchr (buffer.bytes, ','));
    }
  collet_buffer_reset (&buffer);
  collet_buffer_append_number (&buffer, 0.1);
  g_assert_cmpstr (buffer.bytes, ==, "0.1");
  collet_buffer_append_number (&buffer, 1.0 / 0.0);
  g_assert_cmpstr (buffer.bytes, ==, "0.1null");
  collet_buffer_clear (&buffer);
}

static void
test_buffer_limit (void)
{
  struct collet_buffer buffer;

  collet_buffer_init (&buffer, 10);
  collet_buffer_append_text (&buffer, "12345678");
  collet_buffer_append_base64 (&buffer, "ab", 2);
  g_assert_true (buffer.overflowed);
  collet_buffer_append_text (&buffer, "9"); /* nothing after a hole */
  g_assert_cmpstr (buffer.bytes, ==, "12345678");
  collet_buffer_reset (&buffer);
  collet_buffer_append_text (&buffer, "1234567890");
  g_assert_false (buffer.overflowed);
  collet_buffer_clear (&buffer);
}

static void
test_base64 (void)
{
  for (gsize size = 0; size < 70; size++)
    {
      g_autofree guchar *bytes = g_malloc (size + 1);
      g_autofree char *expected = NULL;
      struct collet_buffer buffer;

      for (gsize i = 0; i < size; i++)
        bytes[i] = (guchar)(i * 37 + size);
      expected = g_base64_encode (bytes, size);
      collet_buffer_init (&buffer, 1000);
      collet_buffer_append_base64 (&buffer, bytes, size);
      g_assert_cmpstr (buffer.bytes, ==, expected);
      collet_buffer_clear (&buffer);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/runtime/" path, Kit, NULL, kit_set_up, function, kit_tear_down)
  ADD ("call/arguments-are-read-as-the-header-says", test_getters);
  ADD ("call/content-of-every-kind-is-sound-json", test_content);
  ADD ("call/outcome-is-what-the-module-said", test_outcomes);
  ADD ("call/questions-are-sound-json-of-a-limited-size", test_questions);
  ADD ("call/replies-are-read-as-the-header-says", test_replies);
  ADD ("call/progress-and-logs-only-as-asked", test_events);
  ADD ("call/cancelled-while-it-runs-and-before", test_cancel);
  ADD ("call/deadline-is-kept", test_deadline);
  ADD ("call/result-is-bounded", test_large);
  ADD ("call/several-threads-at-once", test_threads);
  ADD ("state/passes-through-and-fails-with-the-reason", test_state);
  ADD ("open/what-is-in-memory-is-refused", test_second_open);
  g_test_add_func ("/runtime/open/refuses-by-name", test_refused);
  g_test_add_func ("/runtime/open/another-s-descriptor-does-not-count", test_borrowed_symbol);
  g_test_add_func ("/runtime/open/failing-init-is-told-and-undone", test_init_fails);
  g_test_add_func ("/runtime/close/says-when-code-stays", test_resident);
  g_test_add_func ("/runtime/arguments/integers-are-exact", test_integers);
  g_test_add_func ("/runtime/arguments/garbage-is-harmless", test_garbage_arguments);
  g_test_add_func ("/runtime/buffer/numbers-read-back", test_numbers);
  g_test_add_func ("/runtime/buffer/limit-holds", test_buffer_limit);
  g_test_add_func ("/runtime/buffer/base64-agrees-with-glib", test_base64);
  return g_test_run ();
}
