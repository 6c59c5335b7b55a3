/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "collet-runtime.h"
#include "collet-wire.h"

typedef struct
{
  struct collet_runtime *runtime;
  struct collet_scratch *scratch;
} Example;

static Example *
example_open (const char *file)
{
  g_autofree char *path = g_build_filename (g_getenv ("COLLET_EXAMPLES_DIR"), file, NULL);
  Example *example = g_new0 (Example, 1);
  struct collet_failure failure;

  example->runtime = collet_runtime_open (path, &failure);
  if (example->runtime == NULL || !collet_runtime_init (example->runtime, &failure) ||
      !collet_runtime_self_test (example->runtime, &failure))
    g_error ("%s: %s: %s", path, failure.name, failure.message);
  example->scratch = collet_scratch_new ();
  return example;
}

static void
example_close (Example *example)
{
  bool unloaded = false;

  collet_runtime_fini (example->runtime);
  collet_scratch_free (example->scratch);
  collet_runtime_close (example->runtime, &unloaded);
  g_assert_true (unloaded);
  g_free (example);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Example, example_close)

static void
on_event (void *user_data, const char *json, size_t size)
{
  g_string_append_len (user_data, json, (gssize)size);
}

static void
on_log (void *user_data, enum collet_level level, const char *json, size_t size)
{
  g_string_append_printf (user_data, "%d ", (int)level);
}

static const char *
run (Example *example, const char *tool, const char *arguments, GString *events, int expected)
{
  const struct collet_request request = { .tool = tool,
                                          .tool_size = strlen (tool),
                                          .arguments = arguments,
                                          .arguments_size = strlen (arguments),
                                          .deadline_us = INT64_MAX,
                                          .wants_progress = events != NULL,
                                          .log_level =
                                              events != NULL ? COLLET_LEVEL_DEBUG : COLLET_LOG_NONE };
  const struct collet_sink sink = { on_event, on_log, events };
  struct collet_result result;

  collet_runtime_call (example->runtime, example->scratch, &request, events != NULL ? &sink : NULL, &result);
  g_assert_cmpint (result.status, ==, expected);
  return result.json;
}

/* The last member of the result, which is the structured content. */
static void
assert_structured (Example *example, const char *tool, const char *arguments, const char *expected)
{
  const char *json = run (example, tool, arguments, NULL, COLLET_OK);
  g_autofree char *end = g_strdup_printf ("\"structuredContent\":%s}", expected);

  if (!g_str_has_suffix (json, end))
    g_error ("%s %s: got %s, expected …%s", tool, arguments, json, end);
}

static void
assert_fails (Example *example, const char *tool, const char *arguments, const char *reason)
{
  const char *json = run (example, tool, arguments, NULL, COLLET_FAILED);

  g_assert_nonnull (strstr (json, "\"isError\":true"));
  g_assert_nonnull (strstr (json, reason));
}

static void
test_whole_numbers_are_exact (void)
{
  g_autoptr (Example) calculator = example_open ("calculator-1.1.0.so");

  assert_structured (calculator, "add", "{\"a\":9007199254740993,\"b\":2}", "{\"result\":9007199254740995}");
  assert_structured (calculator, "add", "{\"a\":9223372036854775807,\"b\":1}",
                     "{\"result\":9223372036854775808}");
  assert_structured (calculator, "subtract", "{\"a\":-9223372036854775808,\"b\":1}",
                     "{\"result\":-9223372036854775809}");
  assert_structured (calculator, "multiply", "{\"a\":9223372036854775807,\"b\":9223372036854775807}",
                     "{\"result\":85070591730234615847396907784232501249}");
  assert_structured (calculator, "divide", "{\"a\":9007199254740993,\"b\":3}",
                     "{\"result\":3002399751580331}");
  assert_structured (calculator, "power", "{\"a\":3,\"b\":40}", "{\"result\":12157665459056928801}");
  assert_structured (calculator, "power", "{\"a\":-2,\"b\":63}", "{\"result\":-9223372036854775808}");
}

static void
test_fractions (void)
{
  g_autoptr (Example) calculator = example_open ("calculator-1.1.0.so");

  assert_structured (calculator, "add", "{\"a\":0.5,\"b\":0.25}", "{\"result\":0.75}");
  assert_structured (calculator, "add", "{\"a\":0.1,\"b\":0.2}", "{\"result\":0.30000000000000004}");
  assert_structured (calculator, "divide", "{\"a\":1,\"b\":4}", "{\"result\":0.25}");
  assert_structured (calculator, "power", "{\"a\":2,\"b\":-1}", "{\"result\":0.5}");
  assert_structured (calculator, "power", "{\"a\":10,\"b\":40}", "{\"result\":1e+40}");
}

static void
test_says_what_cannot_be (void)
{
  g_autoptr (Example) calculator = example_open ("calculator-1.1.0.so");

  assert_fails (calculator, "divide", "{\"a\":1,\"b\":0}", "division by zero");
  assert_fails (calculator, "divide", "{\"a\":1,\"b\":0.0}", "division by zero");
  assert_fails (calculator, "multiply", "{\"a\":1e308,\"b\":10}", "not a finite number");
  assert_fails (calculator, "power", "{\"a\":10,\"b\":1000}", "not a finite number");
  assert_structured (calculator, "memory_add", "{\"value\":9223372036854775807}",
                     "{\"memory\":9223372036854775807}");
  assert_fails (calculator, "memory_add", "{\"value\":1}", "64 bits");
  assert_structured (calculator, "memory_get", "{}", "{\"memory\":9223372036854775807}");
}

static void
test_each_version_has_its_tools (void)
{
  g_autoptr (Example) one = example_open ("calculator-1.0.0.so");
  g_autoptr (Example) two = example_open ("calculator-2.0.0.so");

  assert_fails (one, "power", "{\"a\":2,\"b\":2}", "no such tool");
  assert_structured (two, "power", "{\"a\":2,\"b\":2}", "{\"result\":4,\"operations\":1}");
  assert_structured (two, "add", "{\"a\":2,\"b\":2}", "{\"result\":4,\"operations\":2}");
  assert_structured (two, "memory_add", "{\"value\":7}", "{\"memory\":7,\"operations\":3}");
  assert_structured (two, "memory_clear", "{}", "{\"memory\":0,\"operations\":3}");
}

/* Exports from one, changes the format with the code of the newer, imports. */
static void
hand_over (Example *from, Example *to, Example *translator, enum collet_direction direction)
{
  struct collet_failure failure;
  struct collet_bytes state, changed;

  g_assert_true (collet_runtime_export_state (from->runtime, &state, &failure));
  if (translator == NULL)
    {
      g_assert_true (collet_runtime_import_state (to->runtime, state.bytes, state.size, &failure));
    }
  else
    {
      g_assert_true (collet_runtime_code_change (translator->runtime, direction, 1, state.bytes, state.size,
                                                 &changed, &failure));
      g_assert_true (collet_runtime_import_state (to->runtime, changed.bytes, changed.size, &failure));
      free (changed.bytes);
    }
  free (state.bytes);
}

static void
test_memory_survives_up_and_down (void)
{
  g_autoptr (Example) v100 = example_open ("calculator-1.0.0.so");
  g_autoptr (Example) v110 = example_open ("calculator-1.1.0.so");
  g_autoptr (Example) v200 = example_open ("calculator-2.0.0.so");

  assert_structured (v100, "memory_add", "{\"value\":-41}", "{\"memory\":-41}");
  hand_over (v100, v110, NULL, COLLET_UP);
  assert_structured (v110, "memory_add", "{\"value\":-1}", "{\"memory\":-42}");
  hand_over (v110, v200, v200, COLLET_UP);
  assert_structured (v200, "memory_add", "{\"value\":2}", "{\"memory\":-40,\"operations\":1}");
  hand_over (v200, v100, v200, COLLET_DOWN);
  assert_structured (v100, "memory_get", "{}", "{\"memory\":-40}");
}

static void
test_refuses_state_that_is_not_its_own (void)
{
  static const char *const broken[] = {
    "", "memory=", "memory=1 ", "memory=1x", "memory=1 operations=2 ", "memory 1"
  };
  g_autoptr (Example) one = example_open ("calculator-1.0.0.so");
  g_autoptr (Example) two = example_open ("calculator-2.0.0.so");
  struct collet_failure failure;
  struct collet_bytes changed;

  for (gsize i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      const gsize size = strlen (broken[i]);

      g_assert_false (collet_runtime_import_state (one->runtime, broken[i], size, &failure));
      g_assert_cmpstr (failure.name, ==, "StateMigrationFailed");
      g_assert_false (collet_runtime_import_state (two->runtime, broken[i], size, &failure));
      g_assert_false (
          collet_runtime_code_change (two->runtime, COLLET_UP, 1, broken[i], size, &changed, &failure));
    }
  g_assert_false (collet_runtime_code_change (two->runtime, COLLET_UP, 7, "memory=1", 8, &changed, &failure));
  g_assert_nonnull (strstr (failure.message, "state format 1 only"));
}

static void
test_text_tools (void)
{
  g_autoptr (Example) tools = example_open ("text-tools.so");

  g_assert_nonnull (strstr (run (tools, "slugify", "{\"text\":\"  Hello,  World! \"}", NULL, COLLET_OK),
                            "\"text\":\"hello-world\""));
  g_assert_nonnull (strstr (run (tools, "slugify", "{\"text\":\"\"}", NULL, COLLET_OK), "\"text\":\"\""));
  g_assert_nonnull (
      strstr (run (tools, "reverse", "{\"text\":\"a\xc3\xa4\xf0\x9f\x98\x80z\"}", NULL, COLLET_OK),
              "\"text\":\"z\xf0\x9f\x98\x80\xc3\xa4"
              "a\""));
  assert_structured (tools, "word_count",
                     "{\"text\":\"Gr\xc3\xbc\xc3\x9f"
                     "e an\\nalle\\n\"}",
                     "{\"words\":3,\"characters\":14,\"lines\":2}");
  assert_structured (tools, "word_count", "{\"text\":\"\"}", "{\"words\":0,\"characters\":0,\"lines\":0}");
}

static void
test_countdown_shows_progress (void)
{
  g_autoptr (Example) countdown = example_open ("countdown.so");
  g_autoptr (GString) events = g_string_new (NULL);

  g_assert_nonnull (
      strstr (run (countdown, "countdown", "{\"from\":2,\"interval_ms\":1}", events, COLLET_OK), "lift-off"));
  g_assert_cmpstr (
      events->str, ==,
      "{\"progress\":0,\"total\":2,\"message\":\"2\"}{\"progress\":1,\"total\":2,\"message\":\"1\"}"
      "{\"progress\":2,\"total\":2,\"message\":\"lift-off\"}");
}

static gpointer
cancel_soon (gpointer data)
{
  g_usleep (30000);
  atomic_store ((atomic_bool *)data, true);
  return NULL;
}

static void
test_countdown_stops_when_told (void)
{
  g_autoptr (Example) countdown = example_open ("countdown.so");
  const char *arguments = "{\"from\":10,\"interval_ms\":60000}";
  atomic_bool cancelled = false;
  struct collet_request request = { .tool = "countdown",
                                    .tool_size = 9,
                                    .arguments = arguments,
                                    .arguments_size = strlen (arguments),
                                    .deadline_us = INT64_MAX,
                                    .log_level = COLLET_LOG_NONE,
                                    .cancelled = &cancelled };
  struct collet_result result;
  GThread *thread = g_thread_new ("cancel", cancel_soon, &cancelled);

  collet_runtime_call (countdown->runtime, countdown->scratch, &request, NULL, &result);
  g_thread_join (thread);
  g_assert_cmpint (result.status, ==, COLLET_CANCELLED);

  /* And does not begin what cannot end in time. */
  cancelled = false;
  request.deadline_us = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;
  collet_runtime_call (countdown->runtime, countdown->scratch, &request, NULL, &result);
  g_assert_cmpint (result.status, ==, COLLET_FAILED);
  g_assert_nonnull (strstr (result.json, "longer than a call may"));
}

static void
test_gallery_has_every_kind (void)
{
  static const struct
  {
    const char *tool, *expected;
  } kinds[] = {
    { "show_image", "\"type\":\"image\",\"data\":\"iVBORw0KGgo" },
    { "play_audio", "\"type\":\"audio\",\"data\":\"UklGR" },
    { "link_resource", "\"type\":\"resource_link\"" },
    { "embed_text", "collet://gallery/poem.txt" },
    { "embed_blob", "\"blob\":\"iVBORw0KGgo" },
    { "give_structured", "\"structuredContent\":{\"shape\":\"ring\"" },
  };
  g_autoptr (Example) gallery = example_open ("gallery.so");
  g_autoptr (GString) events = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      const char *json = run (gallery, kinds[i].tool, "{}", NULL, COLLET_OK);

      if (strstr (json, kinds[i].expected) == NULL)
        g_error ("%s: got %s, expected %s", kinds[i].tool, json, kinds[i].expected);
    }
  assert_fails (gallery, "give_error", "{}", "always fails");
  run (gallery, "write_log", "{}", events, COLLET_OK);
  g_assert_cmpstr (events->str, ==, "0 1 3 4 ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sdk/calculator/whole-numbers-are-exact", test_whole_numbers_are_exact);
  g_test_add_func ("/sdk/calculator/fractions", test_fractions);
  g_test_add_func ("/sdk/calculator/says-what-cannot-be", test_says_what_cannot_be);
  g_test_add_func ("/sdk/calculator/each-version-has-its-tools", test_each_version_has_its_tools);
  g_test_add_func ("/sdk/calculator/memory-survives-up-and-down", test_memory_survives_up_and_down);
  g_test_add_func ("/sdk/calculator/refuses-state-that-is-not-its-own",
                   test_refuses_state_that_is_not_its_own);
  g_test_add_func ("/sdk/text-tools/do-what-they-say", test_text_tools);
  g_test_add_func ("/sdk/countdown/shows-progress", test_countdown_shows_progress);
  g_test_add_func ("/sdk/countdown/stops-when-told", test_countdown_stops_when_told);
  g_test_add_func ("/sdk/gallery/has-every-kind", test_gallery_has_every_kind);
  return g_test_run ();
}
