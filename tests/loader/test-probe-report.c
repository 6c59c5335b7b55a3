/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "collet-error.h"
#include "collet-probe-report.h"

#define DIGEST "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static ColletProbeReport *
parse (const char *text, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return collet_probe_report_parse (bytes, error);
}

static void
test_reads_what_was_found (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletProbeReport) report =
      parse ("{\"checks\":[{\"name\":\"machine\",\"outcome\":\"passed\",\"evidence\":\"x86-64\"},"
             "{\"name\":\"nodelete\",\"outcome\":\"warning\",\"evidence\":\"set\",\"remedy\":\"unset it\"}],"
             "\"manifest\":\"{\\\"a\\\":1}\",\"code_digest\":\"" DIGEST "\",\"build_id\":\"0123ab\"}",
             &error);

  g_assert_no_error (error);
  g_assert_cmpuint (report->checks->len, ==, 2);
  const ColletCheck *check = g_ptr_array_index (report->checks, 1);
  g_assert_cmpstr (check->name, ==, "nodelete");
  g_assert_cmpint (check->outcome, ==, COLLET_CHECK_WARNING);
  g_assert_cmpstr (check->evidence, ==, "set");
  g_assert_cmpstr (check->remedy, ==, "unset it");
  g_assert_cmpstr (report->manifest, ==, "{\"a\":1}");
  g_assert_cmpstr (report->code_digest, ==, DIGEST);
  g_assert_cmpstr (report->build_id, ==, "0123ab");
  g_assert_null (report->error);
}

static void
test_error_has_its_code (void)
{
  g_autoptr (ColletProbeReport) report =
      parse ("{\"checks\":[{\"name\":\"abi\",\"outcome\":\"failed\",\"evidence\":\"built for ABI 2\"}],"
             "\"error\":\"AbiMismatch\",\"message\":\"built for ABI 2.0\",\"remedy\":\"build again\"}",
             NULL);

  g_assert_nonnull (report);
  g_assert_error (report->error, COLLET_ERROR, COLLET_ERROR_ABI_MISMATCH);
  g_assert_cmpstr (report->error->message, ==, "built for ABI 2.0");
}

/* A report that contradicts itself counts as the worse of the two. */
static void
test_failed_check_is_an_error (void)
{
  g_autoptr (ColletProbeReport) report =
      parse ("{\"checks\":[{\"name\":\"type\",\"outcome\":\"failed\",\"evidence\":\"a program\"}]}", NULL);

  g_assert_nonnull (report);
  g_assert_error (report->error, COLLET_ERROR, COLLET_ERROR_INVALID_MODULE);
  g_assert_cmpstr (report->error->message, ==, "a program");
}

static void
test_words_are_made_harmless (void)
{
  g_autofree char *many = g_strnfill (10000, 'x');
  g_autofree char *text =
      g_strdup_printf ("{\"checks\":[{\"name\":\"init\",\"outcome\":\"passed\",\"evidence\":"
                       "\"\\u001b[2J a\\nb \\u202e\\u009b\"},{\"name\":\"abi\",\"outcome\":\"passed\","
                       "\"evidence\":\"%s\"}]}",
                       many);
  g_autoptr (ColletProbeReport) report = parse (text, NULL);

  g_assert_nonnull (report);
  const ColletCheck *check = g_ptr_array_index (report->checks, 0);
  g_assert_cmpstr (check->evidence, ==, "?[2J a b ?????");
  check = g_ptr_array_index (report->checks, 1);
  g_assert_cmpuint (strlen (check->evidence), <=, 4096);
}

static void
test_refuses_what_is_no_report (void)
{
  static const char *const texts[] = {
    "",
    "{",
    "[]",
    "7",
    "{\"checks\":{}}",
    "{\"checks\":[7]}",
    "{\"checks\":[{}]}",
    "{\"checks\":[{\"name\":\"a\"}]}",
    "{\"checks\":[{\"name\":\"\",\"outcome\":\"passed\"}]}",
    "{\"checks\":[{\"name\":\"a b\",\"outcome\":\"passed\"}]}",
    "{\"checks\":[{\"name\":\"a\",\"outcome\":\"perfect\"}]}",
    "{\"checks\":[{\"name\":\"a\",\"outcome\":\"passed\",\"more\":1}]}",
    "{\"checks\":[],\"checks\":[]}",
    "{\"checks\":[],\"manifest\":{}}",
    "{\"checks\":[],\"proven\":\"yes\"}",
    "{\"checks\":[],\"code_digest\":\"123\"}",
    "{\"checks\":[],\"build_id\":\"../../x\"}",
    "{\"checks\":[],\"error\":\"Harmless\"}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ColletProbeReport) report = parse (texts[i], &error);
      g_test_message ("%s", texts[i]);
      g_assert_null (report);
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MODULE);
    }
}

static void
test_bounds_a_flood (void)
{
  g_autoptr (GString) checks = g_string_new ("{\"checks\":[");
  g_autofree char *huge = g_strnfill (3 * 1024 * 1024, ' ');
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (checks, "%s{\"name\":\"c%u\",\"outcome\":\"passed\"}", i > 0 ? "," : "", i);
  g_string_append (checks, "]}");
  g_assert_null (parse (checks->str, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MODULE);
  g_clear_error (&error);
  g_assert_null (parse (huge, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MODULE);
}

/* Cut anywhere, it is refused and nothing else happens. */
static void
test_every_truncation_is_refused (void)
{
  const char *text = "{\"checks\":[{\"name\":\"machine\",\"outcome\":\"passed\",\"evidence\":\"\\u00e9\"}],"
                     "\"manifest\":\"{}\",\"code_digest\":\"" DIGEST "\"}";

  for (gsize size = 0; size < strlen (text); size++)
    {
      g_autofree char *part = g_strndup (text, size);
      g_autoptr (GError) error = NULL;
      g_assert_null (parse (part, &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MODULE);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/loader/probe-report/reads-what-was-found", test_reads_what_was_found);
  g_test_add_func ("/loader/probe-report/error-has-its-code", test_error_has_its_code);
  g_test_add_func ("/loader/probe-report/failed-check-is-an-error", test_failed_check_is_an_error);
  g_test_add_func ("/loader/probe-report/words-are-made-harmless", test_words_are_made_harmless);
  g_test_add_func ("/loader/probe-report/refuses-what-is-no-report", test_refuses_what_is_no_report);
  g_test_add_func ("/loader/probe-report/bounds-a-flood", test_bounds_a_flood);
  g_test_add_func ("/loader/probe-report/every-truncation-is-refused", test_every_truncation_is_refused);
  return g_test_run ();
}
