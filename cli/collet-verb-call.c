/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * call.
 */
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "collet-arguments.h"
#include "collet-error.h"
#include "collet-human.h"
#include "collet-input.h"
#include "collet-prepared-version.h"
#include "collet-style.h"
#include "collet-verb.h"

static char *prepared; /* the module whose prepared version is called */

#define MAX_STDIN (16u * 1024u * 1024u) /* bytes from standard input */

/* ---- arguments ---- */

static gboolean
is_utf8 (char **words)
{
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (!g_utf8_validate (words[i], -1, NULL))
        return FALSE;
    }
  return TRUE;
}

static char *
dup_arguments (ColletCtl *ctl, const char *tool, char **words, GError **error)
{
  if (words[0] == NULL)
    return g_strdup ("{}");
  if (!is_utf8 (words))
    {
      g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                           _ ("The arguments are not UTF-8"));
      return NULL;
    }
  if (words[1] == NULL && g_str_equal (words[0], "-"))
    return collet_input_read (MAX_STDIN, error);
  if (words[1] == NULL && words[0][strspn (words[0], " \t\r\n")] == '{')
    return g_strdup (words[0]);

  g_autoptr (GVariant) reply = collet_ctl_call (ctl, "GetTool", g_variant_new ("(s)", tool), "(a{sv})", NULL);
  g_autoptr (GVariant) row = reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
  return collet_arguments_dup_json (words, row != NULL ? collet_row_string (row, "InputSchema") : "", error);
}

/* ---- the answer ---- */

static const char *
member_text (JsonObject *object, const char *name)
{
  return json_object_get_string_member_with_default (object, name, "");
}

/* Text of a tool goes to a terminal without what could move the cursor. */
static void
print_text (FILE *stream, const char *text)
{
  if (!isatty (fileno (stream)))
    {
      fprintf (stream, "%s\n", text);
      return;
    }
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      if (c == '\n' || c == '\t' || !g_unichar_iscntrl (c))
        fprintf (stream, "%.*s", (int)(g_utf8_next_char (p) - p), p);
      else
        fprintf (stream, "?");
    }
  fprintf (stream, "\n");
}

static void
print_resource (FILE *stream, JsonObject *block)
{
  JsonNode *node = json_object_get_member (block, "resource");
  JsonObject *resource = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

  if (resource == NULL)
    return;
  if (json_object_has_member (resource, "text"))
    print_text (stream, member_text (resource, "text"));
  else
    fprintf (stream, "[resource %s, %s]\n", member_text (resource, "uri"),
             member_text (resource, "mimeType"));
}

static void
print_block (FILE *stream, JsonObject *block)
{
  const char *type = member_text (block, "type");

  if (g_str_equal (type, "text"))
    print_text (stream, member_text (block, "text"));
  else if (g_str_equal (type, "resource"))
    print_resource (stream, block);
  else if (g_str_equal (type, "resource_link"))
    fprintf (stream, "[link %s %s]\n", member_text (block, "uri"), member_text (block, "name"));
  else
    {
      g_autofree char *size = collet_human_dup_size (strlen (member_text (block, "data")) / 4 * 3);
      fprintf (stream, "[%s %s, about %s]\n", type, member_text (block, "mimeType"), size);
    }
}

static void
print_result (FILE *stream, JsonObject *result)
{
  JsonNode *content = json_object_get_member (result, "content");
  JsonNode *structured = json_object_get_member (result, "structuredContent");
  JsonArray *blocks =
      content != NULL && JSON_NODE_HOLDS_ARRAY (content) ? json_node_get_array (content) : NULL;
  guint n = blocks != NULL ? json_array_get_length (blocks) : 0;

  for (guint i = 0; i < n; i++)
    {
      JsonNode *block = json_array_get_element (blocks, i);
      if (JSON_NODE_HOLDS_OBJECT (block))
        print_block (stream, json_node_get_object (block));
    }
  if (n == 0 && structured != NULL)
    {
      g_autofree char *text = json_to_string (structured, TRUE);
      print_text (stream, text);
    }
}

static ColletExit
say_result (ColletCtl *ctl, const char *text)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;

  if (!json_parser_load_from_data (parser, text, -1, &error) ||
      !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    {
      g_autoptr (GError) ours = g_error_new (COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
                                             _ ("The daemon's answer is no JSON object%s%s"),
                                             error != NULL ? ": " : "", error != NULL ? error->message : "");
      return collet_ctl_fail (ctl, ours);
    }

  JsonObject *result = json_node_get_object (json_parser_get_root (parser));
  gboolean is_error = json_object_get_boolean_member_with_default (result, "isError", FALSE);
  if (ctl->json)
    printf ("%s\n", text);
  else
    print_result (is_error ? stderr : stdout, result);
  return is_error ? COLLET_EXIT_FAILED : COLLET_EXIT_OK;
}

static GVariant *
call (ColletCtl *ctl, const char *tool, const char *json, GVariant *options, GError **error)
{
  g_autoptr (GVariant) given = g_variant_ref_sink (options);

  if (prepared == NULL)
    return collet_ctl_call (ctl, "CallTool", g_variant_new ("(ss@a{sv})", tool, json, given), "(s)", error);

  g_autofree char *version = collet_prepared_version_dup (ctl, prepared, error);
  if (version == NULL)
    return NULL;
  return collet_ctl_call (ctl, "CallPrepared",
                          g_variant_new ("(ssss@a{sv})", prepared, version, tool, json, given), "(s)", error);
}

static ColletExit
run_call (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *json = dup_arguments (ctl, arguments[0], arguments + 1, &error);
  GVariantBuilder options;

  if (json == NULL)
    {
      if (!g_error_matches (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT))
        return collet_ctl_fail (ctl, error);
      return collet_ctl_fail_usage (ctl, "%s", error->message);
    }
  if (!g_utf8_validate (json, -1, NULL))
    return collet_ctl_fail_usage (ctl, "The arguments are not UTF-8");

  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  if (ctl->timeout_s > 0)
    {
      g_variant_builder_add (&options, "{sv}", "timeout-ms",
                             g_variant_new_uint32 (collet_ctl_get_timeout_ms (ctl, 0)));
      /* The daemon's own limit answers first, by name. */
      ctl->timeout_s += 2;
    }
  else
    ctl->timeout_s = G_MAXINT / 1000 - 10;
  g_autoptr (GVariant) reply = call (ctl, arguments[0], json, g_variant_builder_end (&options), &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);

  const char *text;
  g_variant_get (reply, "(&s)", &text);
  return say_result (ctl, text);
}

static const GOptionEntry call_options[] = {
  { "prepared", 'p', 0, G_OPTION_ARG_STRING, &prepared, N_ ("Call the prepared version of this module"),
    "MODULE" },
  { NULL },
};

const ColletVerb collet_verb_call = {
  .name = "call",
  .arguments = "TOOL [JSON | - | NAME=VALUE...]",
  .summary = N_ ("Call a tool"),
  .help = N_ (
      "The arguments are one JSON object, or - to read it from standard input, or words: a VALUE is text\n"
      "where the tool's input schema wants a string, else JSON if it is, else text.\n"
      "With --prepared it is a tool of the version of MODULE that waits for \"commit\", by the module's own "
      "name\n"
      "of it.\n"
      "With --json the answer is MCP's CallToolResult as it is. Exit status 1 if the tool says that it\n"
      "failed."),
  .options = call_options,
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run_call,
};
