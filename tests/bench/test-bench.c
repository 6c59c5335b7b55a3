/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Of the load client: what may not be wrong, or every figure and every "no call
 * was lost" is.
 */
#include <string.h>

#include "collet-load-tally.h"

static void
test_histogram_precision (void)
{
  g_autofree BenchHistogram *histogram = g_new0 (BenchHistogram, 1);

  for (guint i = 1; i <= 100000; i++)
    bench_histogram_record (histogram, i * 1000);
  g_assert_cmpuint (histogram->total, ==, 100000);
  g_assert_cmpuint (histogram->max, ==, 100000000);
  for (double percent = 1; percent < 100; percent += 0.7)
    {
      double exact = percent * 1e6;
      double found = (double)bench_histogram_percentile (histogram, percent);

      g_assert_cmpfloat (found, >=, exact * 0.999);
      g_assert_cmpfloat (found, <=, exact * 1.017);
    }
  g_assert_cmpuint (bench_histogram_percentile (histogram, 100), ==, histogram->max);
}

static void
test_histogram_extremes (void)
{
  g_autofree BenchHistogram *histogram = g_new0 (BenchHistogram, 1);

  g_assert_cmpuint (bench_histogram_percentile (histogram, 99), ==, 0);
  bench_histogram_record (histogram, 0);
  bench_histogram_record (histogram, -5);
  g_assert_cmpuint (bench_histogram_percentile (histogram, 99), ==, 0);
  bench_histogram_record (histogram, G_MAXINT64);
  g_assert_cmpuint (bench_histogram_percentile (histogram, 50), ==, 0);
  g_assert_cmpuint (histogram->max, ==, (guint64)G_MAXINT64);
}

static void
test_json_refuses (void)
{
  static const char *const bad[] = {
    "",       "{",       "[1,]", "{\"a\":1,}", "{\"a\" 1}", "[1 2]", "01",        "1.",
    "nul",    "\"\\x\"", "\"a",  "{}{}",       "[}",        "{1:2}", "\"\\u12\"", "+1",
    "\"\n\"", "tru",     "[[[",  "{\"a\"}",    "1e",        ",",     "]",         "-",
  };
  g_autoptr (GString) deep = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    if (bench_json_root (bad[i], strlen (bad[i])).at != NULL)
      g_error ("accepted: %s", bad[i]);
  for (guint i = 0; i < 65; i++)
    g_string_append_c (deep, '[');
  for (guint i = 0; i < 65; i++)
    g_string_append_c (deep, ']');
  g_assert_null (bench_json_root (deep->str, deep->len).at);
  g_assert_nonnull (bench_json_root (deep->str + 1, deep->len - 2).at);
}

static void
test_json_members (void)
{
  static const char text[] =
      " {\"x\":{\"b\":7},\"a\":[{\"b\":1},2,\"}\"], \"s\":\"q\\\"w\" ,\"b\" : -12 ,\"e\":{},\"f\":5e2}";
  BenchSlice root = bench_json_root (text, strlen (text));
  gint64 number = 0;

  g_assert_nonnull (root.at);
  g_assert_true (bench_json_get_int64 (bench_json_member (root, "b"), &number));
  g_assert_cmpint (number, ==, -12);
  g_assert_true (bench_json_get_int64 (bench_json_member (bench_json_member (root, "x"), "b"), &number));
  g_assert_cmpint (number, ==, 7);
  g_assert_true (bench_json_get_int64 (
      bench_json_member (bench_json_first (bench_json_member (root, "a")), "b"), &number));
  g_assert_cmpint (number, ==, 1);
  g_assert_true (bench_json_get_int64 (bench_json_member (root, "f"), &number));
  g_assert_cmpint (number, ==, 500);
  g_assert_true (bench_slice_equals (bench_json_string (bench_json_member (root, "s")), "q\\\"w"));
  g_assert_null (bench_json_member (root, "q").at);
  g_assert_null (bench_json_member (bench_json_member (root, "e"), "b").at);
}

/* One acknowledged addition: value, total, times. */
static void
add (LoadTally *tally, gint64 value, gint64 total, gint64 started, gint64 ended)
{
  LoadCall call = {
    .id = "x", .tool = LOAD_TOOL_MEMORY_ADD, .value = value, .started_ns = started, .ended_ns = ended
  };
  LoadVerdict verdict = { .outcome = "ok", .is_answer = TRUE, .has_result = TRUE, .result = total };

  load_tally_count_sent (tally);
  load_tally_count_ended (tally, &call, &verdict, TRUE);
}

static void
test_register_accepts (void)
{
  g_autoptr (LoadTally) tally = load_tally_new ();

  /* Overlapping calls may come in any order. */
  add (tally, 5, 18, 10, 40);
  add (tally, 3, 13, 12, 50);
  add (tally, 2, 20, 60, 70);
  g_assert_null (load_tally_check_register (tally, 10, 20));
  g_assert_cmpint (load_tally_get_acknowledged_sum (tally), ==, 10);
}

typedef struct
{
  gint64 value, total, started, ended;
} Step;

static void
test_register_rejects (void)
{
  static const struct
  {
    Step first, second;
    const char *problem;
  } cases[] = {
    /* a lost or a foreign addition in between */
    { { 5, 15, 10, 40 }, { 3, 20, 50, 60 }, "acknowledged" },
    /* two calls were given the same total */
    { { 5, 15, 10, 40 }, { 5, 15, 12, 50 }, "acknowledged" },
    /* an addition took effect twice */
    { { 5, 20, 10, 40 }, { 3, 23, 50, 60 }, "acknowledged" },
    /* took effect before a call that had ended when it began */
    { { 5, 15, 60, 70 }, { 3, 18, 12, 50 }, "began" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Step *a = &cases[i].first, *b = &cases[i].second;
      g_autoptr (LoadTally) tally = load_tally_new ();
      g_autofree char *problem = NULL;

      add (tally, a->value, a->total, a->started, a->ended);
      add (tally, b->value, b->total, b->started, b->ended);
      problem = load_tally_check_register (tally, 10, MAX (a->total, b->total));
      g_assert_nonnull (problem);
      g_assert_nonnull (strstr (problem, cases[i].problem));
    }
}

static void
test_register_final (void)
{
  g_autoptr (LoadTally) tally = load_tally_new ();
  g_autofree char *problem = NULL;

  add (tally, 5, 15, 0, 1);
  problem = load_tally_check_register (tally, 10, 16);
  g_assert_nonnull (problem);
}

static void
judge (LoadTool tool, guint status, const char *body, const char *outcome)
{
  LoadCall call = { .id = "r-1-2", .tool = tool, .value = 9 };
  LoadResponse response = { .status = status, .body = { body, strlen (body) } };
  LoadVerdict verdict;

  load_call_judge (&call, &response, &verdict);
  g_assert_cmpstr (verdict.outcome, ==, outcome);
}

static void
test_judge (void)
{
  judge (LOAD_TOOL_ADD, 200,
         "{\"jsonrpc\":\"2.0\",\"id\":\"r-1-2\",\"result\":{\"structuredContent\":{\"result\":9}}}", "ok");
  judge (LOAD_TOOL_ADD, 200,
         "{\"jsonrpc\":\"2.0\",\"id\":\"r-1-2\",\"result\":{\"structuredContent\":{\"result\":8}}}",
         "wrong-value");
  judge (LOAD_TOOL_ADD, 200, "{\"jsonrpc\":\"2.0\",\"id\":\"r-1-2\",\"result\":{}}", "wrong-value");
  judge (LOAD_TOOL_ADD, 200,
         "{\"jsonrpc\":\"2.0\",\"id\":\"r-1-3\",\"result\":{\"structuredContent\":{\"result\":9}}}",
         "wrong-id");
  judge (LOAD_TOOL_ADD, 200,
         "{\"jsonrpc\":\"2.0\",\"id\":\"r-1-2\",\"result\":{\"isError\":true,\"structuredContent\":{"
         "\"result\":9}}}",
         "is-error");
  judge (LOAD_TOOL_ADD, 503, "busy", "http-503");
  judge (LOAD_TOOL_ADD, 200, "busy", "not-json");
  judge (LOAD_TOOL_GIVEN, 200, "{\"id\":\"r-1-2\"}", "no-result");
  judge (LOAD_TOOL_GIVEN, 200,
         "{\"id\":\"r-1-2\",\"error\":{\"code\":-32603,\"message\":\"m\",\"data\":{\"reason\":"
         "\"WorkerCrashed\"}}}",
         "json-rpc-32603-WorkerCrashed");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bench/histogram/percentiles-are-exact-to-two-percent", test_histogram_precision);
  g_test_add_func ("/bench/histogram/takes-any-duration", test_histogram_extremes);
  g_test_add_func ("/bench/json/refuses-what-is-not-json", test_json_refuses);
  g_test_add_func ("/bench/json/finds-members-of-the-right-object", test_json_members);
  g_test_add_func ("/bench/register/accepts-a-serial-history", test_register_accepts);
  g_test_add_func ("/bench/register/notices-a-lost-doubled-or-reordered-addition", test_register_rejects);
  g_test_add_func ("/bench/register/notices-a-wrong-final-total", test_register_final);
  g_test_add_func ("/bench/judge/names-every-kind-of-bad-reply", test_judge);
  return g_test_run ();
}
