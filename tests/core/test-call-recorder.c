/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-call-recorder.h"

#include <string.h>

static ColletManifestTool reading = { .name = (char *)"read", .read_only = TRUE };
static ColletManifestTool writing = { .name = (char *)"write" };
static const ColletToolEntry read_entry = { .module_tool = (char *)"read",
                                            .module = (char *)"m",
                                            .tool = &reading };
static const ColletToolEntry write_entry = { .module_tool = (char *)"write",
                                             .module = (char *)"m",
                                             .tool = &writing };
static const ColletToolEntry other_entry = { .module_tool = (char *)"read",
                                             .module = (char *)"o",
                                             .tool = &reading };

static void
add (ColletCallRecorder *recorder, const ColletToolEntry *entry, const char *arguments, const char *answer)
{
  collet_call_recorder_add (recorder, entry, arguments, strlen (arguments), answer, strlen (answer));
}

/* "{"a":1} {"b":2}; ..." */
static char *
list (ColletCallRecorder *recorder, const char *module, const char *tool, guint limit)
{
  g_autoptr (GPtrArray) calls = collet_call_recorder_list (recorder, module, tool, limit);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < calls->len; i++)
    {
      const ColletRecordedCall *call = calls->pdata[i];

      g_string_append_printf (text, "%s%s %s", i > 0 ? "; " : "", call->arguments, call->answer);
    }
  return g_string_free (text, FALSE);
}

static void
assert_list (ColletCallRecorder *recorder, const char *module, const char *tool, guint limit,
             const char *expected)
{
  g_autofree char *got = list (recorder, module, tool, limit);

  g_assert_cmpstr (got, ==, expected);
}

static void
test_newest (void)
{
  ColletCallRecorder *recorder = collet_call_recorder_new (3, NULL);

  for (guint i = 1; i <= 5; i++)
    {
      g_autofree char *arguments = g_strdup_printf ("{\"n\":%u}", i);

      add (recorder, &read_entry, arguments, "{}");
    }
  add (recorder, &other_entry, "{}", "{\"x\":1}");
  assert_list (recorder, "m", NULL, 100, "{\"n\":3} {}; {\"n\":4} {}; {\"n\":5} {}");
  assert_list (recorder, "m", "read", 2, "{\"n\":4} {}; {\"n\":5} {}");
  assert_list (recorder, "m", "none", 2, "");
  assert_list (recorder, "o", NULL, 2, "{} {\"x\":1}");
  assert_list (recorder, "p", NULL, 2, "");
  collet_call_recorder_free (recorder);
}

static void
test_read_only (void)
{
  ColletCallRecorder *recorder = collet_call_recorder_new (3, NULL);

  add (recorder, &write_entry, "{}", "{}");
  assert_list (recorder, "m", NULL, 100, "");
  add (NULL, &read_entry, "{}", "{}"); /* switched off */
  collet_call_recorder_free (recorder);
}

static void
test_redaction (void)
{
  static const char *const names[] = { "pin", NULL };
  ColletCallRecorder *usual = collet_call_recorder_new (9, NULL);
  ColletCallRecorder *own = collet_call_recorder_new (9, names);

  for (guint i = 0; i < 2; i++)
    {
      ColletCallRecorder *recorder = i == 0 ? usual : own;

      add (recorder, &read_entry, "{\"a\":[{\"Password\":\"x\"}]}", "{}");
      add (recorder, &read_entry, "{\"a\":\"[{\\\"token\\\":1,\\\"pin\\\":1}]\"}", "{}");
      add (recorder, &other_entry, "{}",
           "{\"text\":\"{\\\"pin\\\":1,\\\"token\\\":2,\\\"_meta\\\":3}\",\"more\":\"{\\\"x\\\": 1}\"}");
      add (recorder, &read_entry, "{\"b\":1}",
           "{\"content\":[{\"TOKEN\":{\"t\":1},\"pin\":2}],\"_meta\":{\"x\":1},\"c\":{\"_meta\":1}}");
    }
  assert_list (usual, "m", NULL, 100,
               "{\"b\":1} {\"content\":[{\"TOKEN\":\"[redacted]\",\"pin\":2}],\"c\":{\"_meta\":1}}");
  assert_list (own, "m", NULL, 100,
               "{\"a\":[{\"Password\":\"x\"}]} {}; {\"b\":1} "
               "{\"content\":[{\"TOKEN\":{\"t\":1},\"pin\":\"[redacted]\"}],\"c\":{\"_meta\":1}}");
  /* Text that is JSON. */
  assert_list (usual, "o", NULL, 100,
               "{} {\"text\":\"{\\\"pin\\\":1,\\\"token\\\":\\\"[redacted]\\\",\\\"_meta\\\":3}\","
               "\"more\":\"{\\\"x\\\": 1}\"}");
  collet_call_recorder_free (usual);
  collet_call_recorder_free (own);
}

static void
test_size (void)
{
  ColletCallRecorder *recorder = collet_call_recorder_new (100000, NULL);
  g_autofree char *filling = g_strnfill (COLLET_RECORDED_CALL_MAX - 100, 'x');
  g_autofree char *large = g_strdup_printf ("{\"x\":\"%s\"}", filling);
  g_autofree char *filling_more = g_strnfill (COLLET_RECORDED_CALL_MAX, 'x');
  g_autofree char *too_large = g_strdup_printf ("{\"x\":\"%s\"}", filling_more);

  add (recorder, &read_entry, "{}", too_large);
  assert_list (recorder, "m", NULL, 100, "");
  add (recorder, &read_entry, "{\"first\":1}", "{}");
  for (guint i = 0; i < 200; i++)
    add (recorder, &read_entry, "{}", large);
  g_autoptr (GPtrArray) calls = collet_call_recorder_list (recorder, "m", NULL, G_MAXUINT);
  g_assert_cmpuint (calls->len, >=, 60);
  g_assert_cmpuint (calls->len, <=, 64); /* 4 MiB */
  g_assert_cmpstr (((ColletRecordedCall *)calls->pdata[0])->arguments, ==, "{}");
  collet_call_recorder_free (recorder);
}

static void
test_nonsense (void)
{
  ColletCallRecorder *recorder = collet_call_recorder_new (9, NULL);

  add (recorder, &read_entry, "{", "{}");
  add (recorder, &read_entry, "{}", "nonsense");
  assert_list (recorder, "m", NULL, 100, "");
  collet_call_recorder_free (recorder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/call-recorder/newest-are-kept", test_newest);
  g_test_add_func ("/core/call-recorder/only-of-read-only-tools", test_read_only);
  g_test_add_func ("/core/call-recorder/secrets-are-not-kept", test_redaction);
  g_test_add_func ("/core/call-recorder/size-is-limited", test_size);
  g_test_add_func ("/core/call-recorder/nonsense-is-not-kept", test_nonsense);
  return g_test_run ();
}
