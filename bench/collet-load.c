/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-load.c: calls tools of an MCP server over HTTP as fast as they are
 * answered, or at a rate, and says what became of every single call.
 */
#include <gio/gio.h>
#include <locale.h>
#include <unistd.h>

#include "collet-load-run.h"

#define LEDGER_HEAD "id\ttool\tvalue\tresult\toutcome\tversion\tsha256\tgeneration\tstarted_us\tended_us\n"

typedef struct
{
  char *url, *tool, *arguments, *target, *ledger, *run_id;
  gboolean is_modern;
} Texts;

static void
clear_texts (Texts *texts)
{
  g_free (texts->url);
  g_free (texts->tool);
  g_free (texts->arguments);
  g_free (texts->target);
  g_free (texts->ledger);
  g_free (texts->run_id);
}

static gboolean
parse_options (int *argc, char ***argv, LoadOptions *options, Texts *texts, GError **error)
{
  int connections = 16;
  gint64 calls = 0;
  gboolean is_json = FALSE;
  const GOptionEntry entries[] = {
    { "url", 0, 0, G_OPTION_ARG_STRING, &texts->url, "Where the server is", "http://HOST:PORT/PATH" },
    { "connections", 0, 0, G_OPTION_ARG_INT, &connections, "Connections, each with one call at a time (16)",
      "N" },
    { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &options->seconds, "Stop after this time (else on SIGTERM)",
      "S" },
    { "calls", 0, 0, G_OPTION_ARG_INT64, &calls, "Stop after so many calls", "N" },
    { "busy", 0, 0, G_OPTION_ARG_NONE, &options->is_busy, "Look for answers without ever sleeping", NULL },
    { "warm-up", 0, 0, G_OPTION_ARG_DOUBLE, &options->warm_up, "Seconds before measuring (0)", "S" },
    { "rate", 0, 0, G_OPTION_ARG_DOUBLE, &options->rate, "Calls a second (else as fast as answered)", "N" },
    { "timeout", 0, 0, G_OPTION_ARG_INT, &options->timeout_ms, "Of one call (30000)", "MS" },
    { "interval", 0, 0, G_OPTION_ARG_DOUBLE, &options->interval,
      "A line on progress this often (else on SIGUSR1)", "S" },
    { "tool", 0, 0, G_OPTION_ARG_STRING, &texts->tool, "Tool to call (add)", "NAME" },
    { "arguments", 0, 0, G_OPTION_ARG_STRING, &texts->arguments, "Its arguments", "JSON" },
    { "verify", 0, 0, G_OPTION_ARG_NONE, &options->is_verify,
      "Call add and memory_add by turns, check every value and that the register adds up", NULL },
    { "modern", 0, 0, G_OPTION_ARG_NONE, &texts->is_modern, "Speak 2026-07-28 (else 2025-11-25)", NULL },
    { "target", 0, 0, G_OPTION_ARG_STRING, &texts->target, "mcp, or relay: a bare handler without sessions",
      "KIND" },
    { "ledger", 0, 0, G_OPTION_ARG_FILENAME, &texts->ledger, "Write a line for every call", "FILE" },
    { "run-id", 0, 0, G_OPTION_ARG_STRING, &texts->run_id, "First part of every request id", "TEXT" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &is_json, "Print JSON (it always does)", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- put load on an MCP server");

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, "Exits 0 only if no call failed and everything adds up.");
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (texts->url == NULL || connections < 1 || connections > 16000 || calls < 0 || options->timeout_ms < 1)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--url is needed; --connections is 1 to 16000; --calls and --timeout are positive");
      return FALSE;
    }
  options->connections = (guint)connections;
  options->calls = (guint64)calls;
  return TRUE;
}

static gboolean
apply_texts (LoadOptions *options, Texts *texts, GError **error)
{
  if (texts->tool == NULL)
    texts->tool = g_strdup ("add");
  if (texts->arguments == NULL)
    texts->arguments = g_strdup ("{\"a\":1,\"b\":2}");
  if (texts->run_id == NULL)
    texts->run_id = g_strdup_printf ("%x%04x", (guint)getpid (), g_random_int () & 0xffff);
  if (!load_url_parse (texts->url, &options->url, error))
    return FALSE;
  if (strlen (texts->run_id) > 24 || strlen (texts->arguments) > 4000 || strlen (texts->tool) > 128 ||
      bench_json_root (texts->arguments, strlen (texts->arguments)).at == NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--arguments is no JSON object of at most 4000 bytes, --run-id is longer than 24, "
                   "or --tool longer than 128");
      return FALSE;
    }
  options->run_id = texts->run_id;
  options->dialect = (LoadDialect){ .era = texts->is_modern ? LOAD_ERA_MODERN : LOAD_ERA_LEGACY,
                                    .url = &options->url,
                                    .given_tool = texts->tool,
                                    .given_arguments = texts->arguments };
  if (g_strcmp0 (texts->target, "relay") == 0)
    options->dialect.era = LOAD_ERA_RELAY;
  if (texts->ledger == NULL)
    return TRUE;
  options->ledger = fopen (texts->ledger, "we");
  if (options->ledger == NULL)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "cannot write %s: %s", texts->ledger,
                   g_strerror (errno));
      return FALSE;
    }
  fputs (LEDGER_HEAD, options->ledger);
  return TRUE;
}

/* Appends the verdict on the register; FALSE if it does not add up. */
static gboolean
verify (LoadRun *run, LoadTally *tally, gint64 initial, GString *out)
{
  g_autofree char *problem = NULL;
  gint64 final = 0;

  if (load_run_call_once (run, LOAD_TOOL_MEMORY_GET, &final))
    problem = load_tally_check_register (tally, initial, final);
  else
    problem = g_strdup ("the register could not be read at the end");
  g_string_append_printf (out,
                          ",\"register\":{\"initial\":%" G_GINT64_FORMAT ",\"acknowledged\":%" G_GINT64_FORMAT
                          ",\"final\":%" G_GINT64_FORMAT ",\"adds_up\":%s,\"problem\":",
                          initial, load_tally_get_acknowledged_sum (tally), final,
                          problem == NULL ? "true" : "false");
  bench_json_append_string (out, problem != NULL ? problem : "");
  g_string_append_c (out, '}');
  return problem == NULL;
}

static int
run_load (const LoadOptions *options, GError **error)
{
  g_autoptr (LoadTally) tally = load_tally_new ();
  g_autoptr (LoadRun) run = load_run_new (options, tally, error);
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (GString) head = g_string_new (NULL);
  gboolean adds_up = TRUE;
  gint64 initial = 0;
  double seconds;

  if (run == NULL)
    return 2;
  if (options->is_verify && !load_run_call_once (run, LOAD_TOOL_MEMORY_GET, &initial))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "memory_get failed: is the calculator loaded?");
      return 2;
    }
  seconds = load_run_drive (run);
  if (options->is_verify)
    adds_up = verify (run, tally, initial, out);
  if (options->ledger != NULL && fflush (options->ledger) != 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "ledger: %s", g_strerror (errno));
      return 2;
    }
  load_tally_append_json (tally, seconds, head);
  printf ("%s%s}\n", head->str, out->str);
  return load_tally_get_failed (tally) == 0 && adds_up ? 0 : 1;
}

int
main (int argc, char **argv)
{
  LoadOptions options = { .timeout_ms = 30000 };
  Texts texts = { 0 };
  g_autoptr (GError) error = NULL;
  int status = 2;

  setlocale (LC_ALL, "");
  if (parse_options (&argc, &argv, &options, &texts, &error) && apply_texts (&options, &texts, &error))
    status = run_load (&options, &error);
  if (error != NULL)
    g_printerr ("collet-load: %s\n", error->message);
  if (options.ledger != NULL)
    fclose (options.ledger);
  load_url_clear (&options.url);
  clear_texts (&texts);
  return status;
}
