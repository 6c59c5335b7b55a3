/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-tools.h"

#include "collet-call-form.h"
#include "collet-error.h"

#include <pthread.h>
#include <string.h>

#define PNG "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
#define WAV "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
#define OLD_GREET                                                                                            \
  "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"number\"}},\"required\":[\"name\"]}"
#define OPEN "{\"type\":\"object\"}"

typedef struct
{
  const char *name;
  const char *input;  /* inputSchema */
  const char *output; /* outputSchema or NULL */
  const char *answer; /* result; NULL: the arguments as structuredContent */
  ColletError error;  /* or how it fails; FAILED: it does not */
  guint ms;           /* takes that long, on a thread */
  gboolean reports;   /* three logs and three steps of progress */
  gboolean hops;      /* answered at once, by another thread */
  const char *later;  /* outputSchema of version 2; answered by what is published at its end */
  const char *asks;   /* until it has replies, then it answers with those and the state */
} Tool;

static const Tool table[] = {
  { "echo", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"}}}" },
  { "greet", "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},\"required\":[\"name\"]}",
    NULL, "{\"content\":[{\"type\":\"text\",\"text\":\"hello\"}],\"isError\":false}" },
  { "headed",
    "{\"type\":\"object\",\"properties\":{\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"
    "\"count\":{\"type\":\"integer\",\"x-mcp-header\":\"Count\"},"
    "\"deep\":{\"type\":\"object\",\"properties\":{\"flag\":{\"type\":\"boolean\",\"x-mcp-header\":\"Flag\"}}"
    "}}}" },
  { "slow", OPEN, NULL, "{\"content\":[{\"type\":\"text\",\"text\":\"at last\"}]}", 0, 200 },
  { "stuck", OPEN, NULL, "{\"content\":[]}", 0, 20000 },
  { "hop", "{\"type\":\"object\"}", .hops = TRUE },
  { "shifts", OPEN, "{\"type\":\"object\",\"properties\":{\"sum\":{\"type\":\"number\"}}}",
    "{\"content\":[],\"structuredContent\":{\"sum\":\"five\"}}", .ms = 100,
    .later = "{\"type\":\"object\",\"properties\":{\"sum\":{\"type\":\"string\"}}}" },
  { "asks", OPEN,
    .asks = "{\"inputRequests\":{\"n\":{\"method\":\"elicitation/create\",\"params\":{"
            "\"message\":\"Who?\"}}},\"state\":\"AAEC\"}" },
  { "asks-two", OPEN, .hops = TRUE,
    .asks = "{\"inputRequests\":{\"n\":{\"method\":\"elicitation/create\",\"params\":{\"mode\":\"form\"}},"
            "\"m\":{\"method\":\"sampling/createMessage\",\"params\":{\"maxTokens\":5}}}}" },
  { "asks-url", OPEN,
    .asks = "{\"inputRequests\":{\"u\":{\"method\":\"elicitation/create\",\"params\":{\"mode\":\"url\"}}}}" },
  { "asks-for-ever", OPEN,
    .asks = "{\"inputRequests\":{\"n\":{\"method\":\"elicitation/create\",\"params\":{}}}}" },
  { "asks-nothing", OPEN, .asks = "{\"inputRequests\":{}}" },
  { "asks-wrongly", OPEN, .asks = "{\"inputRequests\":{\"n\":{\"method\":\"tools/call\",\"params\":{}}}}" },
  { "asks-garbage", OPEN, .asks = "{\"inputRequests\":{\"n\":{,}}}" },
  { "crash", OPEN, NULL, NULL, COLLET_ERROR_WORKER_CRASHED },
  { "timeout", OPEN, NULL, NULL, COLLET_ERROR_CALL_TIMEOUT },
  { "no-json", OPEN, NULL, "{\"content\":[],}" },
  { "no-content", OPEN, NULL, "{\"structuredContent\":{}}" },
  { "bad-block", OPEN, NULL, "{\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"smell\"}]}" },
  { "bad-structured", OPEN, NULL, "{\"content\":[],\"structuredContent\":[1]}" },
  { "promise-kept", OPEN,
    "{\"type\":\"object\",\"properties\":{\"sum\":{\"type\":\"number\"}},\"required\":[\"sum\"]}",
    "{\"content\":[],\"structuredContent\":{\"sum\":5}}" },
  { "promise-broken", OPEN,
    "{\"type\":\"object\",\"properties\":{\"sum\":{\"type\":\"number\"}},\"required\":[\"sum\"]}",
    "{\"content\":[],\"structuredContent\":{\"sum\":\"five\"}}" },
  { "promise-excused", OPEN, "{\"type\":\"object\",\"required\":[\"sum\"]}",
    "{\"content\":[],\"isError\":true}" },
  { "own-meta", OPEN, NULL,
    "{\"content\":[],\"_meta\":{\"com.example/x\":1,\"org.collet/sha256\":\"lie\"},\"resultType\":\"lie\"}" },
  { "pretty", OPEN, NULL, "{\n  \"content\": [\r\n  ]\n}", 0, 1, TRUE },
  /* The names and answers that the protocol's conformance suite asks for. */
  { "test_simple_text", OPEN, NULL,
    "{\"content\":[{\"type\":\"text\",\"text\":\"This is a simple text response for testing.\"}]}" },
  { "test_image_content", OPEN, NULL,
    "{\"content\":[{\"type\":\"image\",\"data\":\"" PNG "\",\"mimeType\":\"image/png\"}]}" },
  { "test_audio_content", OPEN, NULL,
    "{\"content\":[{\"type\":\"audio\",\"data\":\"" WAV "\",\"mimeType\":\"audio/wav\"}]}" },
  { "test_embedded_resource", OPEN, NULL,
    "{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"test://embedded-resource\",\"mimeType\":"
    "\"text/plain\",\"text\":\"This is an embedded resource content.\"}}]}" },
  { "test_multiple_content_types", OPEN, NULL,
    "{\"content\":[{\"type\":\"text\",\"text\":\"Multiple content types "
    "test:\"},{\"type\":\"image\",\"data\":\"" PNG
    "\",\"mimeType\":\"image/png\"},{\"type\":\"resource\",\"resource\":{\"uri\":\"test://"
    "mixed-content-resource\","
    "\"mimeType\":\"application/json\",\"text\":\"{\\\"test\\\":\\\"data\\\",\\\"value\\\":123}\"}}]}" },
  { "test_error_handling", OPEN, NULL,
    "{\"content\":[{\"type\":\"text\",\"text\":\"This tool intentionally returns an error for testing\"}],"
    "\"isError\":true}" },
  { "test_tool_with_progress", OPEN, NULL, "{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}", 0, 100,
    TRUE },
  { "test_tool_with_logging", OPEN, NULL, "{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}", 0, 100,
    TRUE },
  { "test_logging_tool", OPEN, NULL, "{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}", 0, 20, TRUE },
  { "test_trigger_tool_change", OPEN, NULL, "{\"content\":[{\"type\":\"text\",\"text\":\"changed\"}]}" },
  { "json_schema_2020_12_tool",
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/"
    "schema\",\"type\":\"object\",\"$defs\":{\"address\":{"
    "\"$anchor\":\"addressDef\",\"type\":\"object\",\"properties\":{\"street\":{\"type\":\"string\"},"
    "\"city\":{\"type\":"
    "\"string\"}}}},\"properties\":{\"name\":{\"type\":\"string\"},\"address\":{\"$ref\":\"#/$defs/"
    "address\"},"
    "\"contactMethod\":{\"type\":\"string\",\"enum\":[\"phone\",\"email\"]},\"phone\":{\"type\":\"string\"},"
    "\"email\":{"
    "\"type\":\"string\"}},\"allOf\":[{\"anyOf\":[{\"required\":[\"phone\"]},{\"required\":[\"email\"]}]}],"
    "\"if\":{"
    "\"properties\":{\"contactMethod\":{\"const\":\"phone\"}},\"required\":[\"contactMethod\"]},\"then\":{"
    "\"required\":["
    "\"phone\"]},\"else\":{\"required\":[\"email\"]},\"additionalProperties\":false}",
    NULL, "{\"content\":[{\"type\":\"text\",\"text\":\"ok\"}]}" },
};

struct _FakeTools
{
  ColletCallTarget target;
  ColletToolDirectory *directory;
  void (*on_change) (gpointer user_data);
  gpointer user_data;
  guint n_extra;
  gint running, cancelled; /* atomic */
  GThread *hopper;
  pthread_mutex_t lock; /* not a GAsyncQueue: the thread sanitizer sees this one */
  pthread_cond_t hopped;
  GQueue hops; /* ColletCall; the tools themselves: the end */
};

typedef struct
{
  FakeTools *tools;
  ColletCall *call;
  ColletVersion *version;
  const Tool *tool;
  gint is_cancelled; /* atomic */
} Run;

static const Tool *
find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (strcmp (table[i].name, name) == 0)
      return &table[i];
  return &table[0];
}

static void
report (ColletCall *call, guint step)
{
  g_autofree char *progress =
      g_strdup_printf ("{\"progress\":%u,\"total\":100,\"message\":\"step %u\"}", step * 50, step);
  g_autofree char *log =
      g_strdup_printf ("{\"level\":\"info\",\"logger\":\"fake\",\"data\":\"step %u\"}", step);

  if (call->wants_progress)
    call->class_->progress (call, progress, strlen (progress));
  call->class_->log (call, 1, log, strlen (log));
}

static void
answer_or_ask (const Tool *tool, ColletCall *call, GString *answer, ColletCallResult *result)
{
  const ColletCallInput *input = call->input;
  g_autofree char *state = NULL;

  if (!input || input->replies_size == 0 || strcmp (tool->name, "asks-for-ever") == 0)
    {
      result->is_asking = TRUE;
      g_string_assign (answer, tool->asks);
      return;
    }
  state = g_base64_encode ((const guchar *)input->state, input->state_size);
  g_string_printf (answer, "{\"content\":[],\"structuredContent\":{\"replies\":%.*s,\"state\":\"%s\"}}",
                   (int)input->replies_size, input->replies, state);
}

static void
finish (const Tool *tool, ColletCall *call, ColletVersion *version, gboolean is_cancelled)
{
  g_autoptr (GString) answer = g_string_new (tool->answer);
  g_autoptr (GError) error = NULL;
  ColletCallResult result = { .version = version, .generation = 7, .run_us = 1 };

  if (is_cancelled)
    error = g_error_new (COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED, "The call was cancelled.");
  else if (tool->error != COLLET_ERROR_FAILED)
    error = g_error_new (COLLET_ERROR, (gint)tool->error, "It \"failed\" as asked.");
  if (!tool->answer)
    {
      g_string_assign (answer, "{\"content\":[],\"structuredContent\":");
      g_string_append_len (answer, call->arguments, (gssize)call->arguments_size);
      g_string_append_c (answer, '}');
    }
  if (tool->asks)
    answer_or_ask (tool, call, answer, &result);
  result.error = error;
  result.json = answer->str;
  result.json_size = answer->len;
  call->class_->done (call, &result);
}

static ColletVersion *
published_version (FakeTools *tools)
{
  g_autoptr (ColletToolList) list = collet_tool_directory_ref_list (tools->directory);

  return collet_version_ref (collet_tool_list_get (list, 0)->version);
}

/* The call goes to what is published now, as a slot would pass it on. */
static ColletVersion *
renew (FakeTools *tools, const Tool *tool, ColletCall *call)
{
  g_autoptr (ColletToolList) list = collet_tool_directory_ref_list (tools->directory);
  const ColletToolEntry *entry = collet_tool_list_find (list, tool->name, -1);

  g_assert_true (collet_call_form_renew (call, entry->manifest, NULL));
  return collet_version_ref (entry->version);
}

static gpointer
run_slowly (gpointer data)
{
  Run *run = data;
  gint64 end = g_get_monotonic_time () + (gint64)run->tool->ms * 1000;

  for (guint step = 0; run->tool->reports && step < 3; step++)
    {
      report (run->call, step);
      g_usleep (run->tool->ms * 250);
    }
  while (g_get_monotonic_time () < end && !g_atomic_int_get (&run->is_cancelled))
    g_usleep (1000);
  if (run->tool->later)
    {
      collet_version_unref (run->version);
      run->version = renew (run->tools, run->tool, run->call);
    }
  finish (run->tool, run->call, run->version, g_atomic_int_get (&run->is_cancelled));
  collet_version_unref (run->version);
  g_atomic_int_add (&run->tools->running, -1);
  g_free (run);
  return NULL;
}

static ColletVersion *
make_version (const char *semver)
{
  g_autofree char *sha256 = g_compute_checksum_for_string (G_CHECKSUM_SHA256, semver, -1);
  g_autofree char *md5 = g_compute_checksum_for_string (G_CHECKSUM_MD5, semver, -1);

  return collet_version_new (sha256, md5, "", NULL, semver, 1);
}

static void
push_hop (FakeTools *tools, gpointer call)
{
  pthread_mutex_lock (&tools->lock);
  g_queue_push_tail (&tools->hops, call);
  pthread_cond_signal (&tools->hopped);
  pthread_mutex_unlock (&tools->lock);
}

static gpointer
pop_hop (FakeTools *tools)
{
  gpointer call;

  pthread_mutex_lock (&tools->lock);
  while (g_queue_is_empty (&tools->hops))
    pthread_cond_wait (&tools->hopped, &tools->lock);
  call = g_queue_pop_head (&tools->hops);
  pthread_mutex_unlock (&tools->lock);
  return call;
}

static gpointer
answer_hops (gpointer data)
{
  FakeTools *tools = data;
  gpointer call;

  while ((call = pop_hop (tools)) != tools)
    {
      g_autoptr (ColletVersion) version = published_version (tools);
      finish (find (((ColletCall *)call)->tool), call, version, FALSE);
      g_atomic_int_add (&tools->running, -1);
    }
  return NULL;
}

static void
dispatch (ColletCallTarget *target, ColletCall *call)
{
  FakeTools *tools = (FakeTools *)target;
  const Tool *tool = find (call->tool);
  g_autoptr (ColletVersion) version = published_version (tools);

  if (call->version && strcmp (call->version, version->sha256) != 0)
    {
      collet_version_unref (version);
      version = make_version (FAKE_TOOLS_OLD);
      g_assert_cmpstr (call->version, ==, version->sha256);
    }
  if (strcmp (tool->name, "test_trigger_tool_change") == 0)
    {
      fake_tools_publish (tools, tools->n_extra + 1, version->semver);
      if (tools->on_change)
        tools->on_change (tools->user_data);
    }
  if (tool->hops)
    {
      g_atomic_int_inc (&tools->running);
      push_hop (tools, call);
      return;
    }
  if (tool->ms == 0)
    {
      finish (tool, call, version, FALSE);
      return;
    }
  Run *run = g_new0 (Run, 1);
  *run = (Run){ .tools = tools, .call = call, .version = g_steal_pointer (&version), .tool = tool };
  call->target_data[0] = run;
  g_atomic_int_inc (&tools->running);
  g_thread_unref (g_thread_new ("fake-tool", run_slowly, run));
}

static void
cancel (ColletCallTarget *target, ColletCall *call)
{
  Run *run = call->target_data[0];

  if (!run)
    return;
  g_atomic_int_inc (&((FakeTools *)target)->cancelled);
  g_atomic_int_set (&run->is_cancelled, 1);
}

static ColletCallTarget *
keep (ColletCallTarget *target)
{
  return target;
}

static void
drop (ColletCallTarget *target)
{
}

static ColletManifest *
make_manifest (guint n_extra, const char *semver)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  ColletManifest *manifest;

  g_string_printf (text, "{\"name\":\"fake\",\"version\":\"%s\",\"tools\":[", semver);
  for (guint i = 0; i < G_N_ELEMENTS (table) + n_extra; i++)
    {
      const Tool *tool = i < G_N_ELEMENTS (table) ? &table[i] : NULL;
      g_autofree char *name = tool ? g_strdup (tool->name) : g_strdup_printf ("extra-%03u", i);

      g_string_append_printf (text,
                              "%s{\"name\":\"%s\",\"description\":\"A tool for tests.\",\"inputSchema\":%s",
                              i > 0 ? "," : "", name,
                              !tool                                                   ? OPEN
                              : semver[0] == '0' && strcmp (tool->name, "greet") == 0 ? OLD_GREET
                                                                                      : tool->input);
      if (tool && tool->output)
        g_string_append_printf (text, ",\"outputSchema\":%s",
                                tool->later && semver[0] == '2' ? tool->later : tool->output);
      g_string_append_c (text, '}');
    }
  g_string_append (text, "]}");
  manifest = collet_manifest_parse (text->str, text->len, &error);
  g_assert_no_error (error);
  return manifest;
}

/* 0.9.0 is live still, beside what is published; there "greet" wants a number. */
static ColletVersion *
find_version (ColletCallTarget *target, const char *text, ColletManifest **manifest, GError **error)
{
  g_autoptr (ColletVersion) published = published_version ((FakeTools *)target);
  g_autoptr (ColletVersion) old = make_version (FAKE_TOOLS_OLD);
  ColletVersion *versions[] = { published, old };

  for (guint i = 0; i < G_N_ELEMENTS (versions); i++)
    if (collet_version_matches (versions[i], text) || strcmp (versions[i]->semver, text) == 0)
      {
        *manifest = make_manifest (0, versions[i]->semver);
        return collet_version_ref (versions[i]);
      }
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH, "There is no \"%s\".", text);
  return NULL;
}

static const ColletCallTargetClass target_class = { keep, drop, dispatch, cancel, find_version };

void
fake_tools_publish (FakeTools *tools, guint n_extra, const char *semver)
{
  g_autoptr (ColletManifest) manifest = make_manifest (n_extra, semver);
  g_autoptr (ColletVersion) version = make_version (semver);
  GPtrArray *entries = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_tool_entry_free);

  tools->n_extra = n_extra;
  for (guint i = 0; i < manifest->tools->len; i++)
    {
      const ColletManifestTool *tool = manifest->tools->pdata[i];
      ColletToolEntry *entry = g_new0 (ColletToolEntry, 1);

      entry->name = g_strdup (tool->name);
      entry->module_tool = g_strdup (tool->name);
      entry->module = g_strdup ("fake");
      entry->version = collet_version_ref (version);
      entry->generation = 7;
      entry->manifest = collet_manifest_ref (manifest);
      entry->tool = tool;
      entry->target = &tools->target;
      entry->json =
          g_strdup_printf ("%.*s,\"_meta\":{\"org.collet/module\":\"fake\",\"org.collet/version\":\"%s\"}}",
                           (int)strlen (tool->json) - 1, tool->json, semver);
      entry->json_size = strlen (entry->json);
      g_ptr_array_add (entries, entry);
    }
  collet_tool_directory_replace (tools->directory, collet_tool_list_new (entries, NULL, 1));
}

FakeTools *
fake_tools_new (void)
{
  FakeTools *tools = g_new0 (FakeTools, 1);

  tools->target.class_ = &target_class;
  tools->directory = collet_tool_directory_new ();
  fake_tools_publish (tools, 0, "1.0.0");
  pthread_mutex_init (&tools->lock, NULL);
  pthread_cond_init (&tools->hopped, NULL);
  tools->hopper = g_thread_new ("fake-hops", answer_hops, tools);
  return tools;
}

void
fake_tools_free (FakeTools *tools)
{
  while (g_atomic_int_get (&tools->running) > 0)
    g_usleep (1000);
  push_hop (tools, tools);
  g_thread_join (tools->hopper);
  pthread_cond_destroy (&tools->hopped);
  pthread_mutex_destroy (&tools->lock);
  collet_tool_directory_free (tools->directory);
  g_free (tools);
}

ColletToolDirectory *
fake_tools_get_directory (FakeTools *tools)
{
  return tools->directory;
}

guint
fake_tools_count_cancelled (FakeTools *tools)
{
  return (guint)g_atomic_int_get (&tools->cancelled);
}

guint
fake_tools_count_running (FakeTools *tools)
{
  return (guint)g_atomic_int_get (&tools->running);
}

void
fake_tools_set_on_change (FakeTools *tools, void (*on_change) (gpointer user_data), gpointer user_data)
{
  tools->on_change = on_change;
  tools->user_data = user_data;
}
