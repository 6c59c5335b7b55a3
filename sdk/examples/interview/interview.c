/* SPDX-License-Identifier: 0BSD
 *
 * interview.c: tools that cannot know everything from their arguments, and ask.
 *
 * A tool asks, returns, and is called again with the answers; so each of these
 * functions begins with what it has been told already.
 */
#include "collet-module.h"

#include <stdio.h>

static int
say_no (struct collet_call *call)
{
  collet_add_text (call, "Nothing was done: the question was not answered with a yes.");
  return COLLET_OK;
}

/* Two questions, one after the other. What was answered to the first is kept as
 * the call's state: the second answer comes without it. */
static int
book_table (struct collet_call *call)
{
  const char *restaurant = "", *people = "", *sure = "";
  const void *state;
  char kept[16], text[256];
  size_t size;

  collet_get_string (call, "restaurant", &restaurant, NULL);
  if (!collet_get_state (call, &state, &size))
    {
      enum collet_reply reply = collet_get_reply (call, "people");

      if (reply == COLLET_REPLY_DECLINED || reply == COLLET_REPLY_CANCELLED)
        return say_no (call);
      if (reply == COLLET_REPLY_NONE ||
          !collet_get_reply_json (call, "people", "content/people", &people, &size) || size >= sizeof kept)
        return collet_ask (call, COLLET_QUESTION_FORM, "people",
                           "{\"message\":\"For how many people?\",\"requestedSchema\":{\"type\":\"object\","
                           "\"properties\":{\"people\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":20}},"
                           "\"required\":[\"people\"]}}");
      collet_set_state (call, people, size);
      return collet_ask (call, COLLET_QUESTION_FORM, "sure",
                         "{\"message\":\"Really book it?\",\"requestedSchema\":{\"type\":\"object\","
                         "\"properties\":{\"sure\":{\"type\":\"boolean\"}},\"required\":[\"sure\"]}}");
    }

  if (size >= sizeof kept)
    return COLLET_FAILED;
  memcpy (kept, state, size);
  kept[size] = '\0';
  if (!collet_get_reply_json (call, "sure", "content/sure", &sure, NULL) || strcmp (sure, "true") != 0)
    return say_no (call);
  snprintf (text, sizeof text, "A table for %s at %s is booked.", kept, restaurant);
  collet_add_text (call, text);
  return COLLET_OK;
}

/* A client that has no model, or does not lend it, is no reason to fail. */
static int
name_color (struct collet_call *call)
{
  const char *rgb = "", *name = "";
  char params[512];

  collet_get_string (call, "rgb", &rgb, NULL);
  if (!collet_can_ask (call, COLLET_QUESTION_MODEL) ||
      collet_get_reply (call, "name") == COLLET_REPLY_DECLINED)
    {
      collet_add_text (call, rgb);
      return COLLET_OK;
    }
  if (collet_get_reply_string (call, "name", "content/text", &name, NULL))
    {
      collet_add_text (call, name);
      return COLLET_OK;
    }
  /* rgb matched its pattern: nothing in it needs to be escaped. */
  snprintf (params, sizeof params,
            "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":"
            "\"Give the colour %s a name of one or two words.\"}}],\"maxTokens\":20}",
            rgb);
  return collet_ask (call, COLLET_QUESTION_MODEL, "name", params);
}

static int
list_folders (struct collet_call *call)
{
  const char *roots;

  if (!collet_get_reply_json (call, "roots", "roots", &roots, NULL))
    return collet_ask (call, COLLET_QUESTION_ROOTS, "roots", "{}");
  collet_add_text (call, roots);
  return COLLET_OK;
}

static int
sign_in (struct collet_call *call)
{
  switch (collet_get_reply (call, "page"))
    {
    case COLLET_REPLY_ACCEPTED:
      collet_add_text (call, "The page was opened.");
      return COLLET_OK;
    case COLLET_REPLY_DECLINED:
    case COLLET_REPLY_CANCELLED:
      return say_no (call);
    case COLLET_REPLY_NONE:
    default:
      return collet_ask (
          call, COLLET_QUESTION_URL, "page",
          "{\"mode\":\"url\",\"elicitationId\":\"sign-in\",\"url\":\"https://example.com/sign-in\","
          "\"message\":\"Please sign in.\"}");
    }
}

static const struct
{
  const char *tool;
  int (*run) (struct collet_call *call);
} tools[] = {
  { "book_table", book_table },
  { "name_color", name_color },
  { "list_folders", list_folders },
  { "sign_in", sign_in },
};

static int
run_tool (void *instance, const char *tool, struct collet_call *call)
{
  (void)instance;
  for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++)
    if (strcmp (tool, tools[i].tool) == 0)
      return tools[i].run (call);
  return collet_call_fail (call, "no such tool");
}

COLLET_MODULE (.call = run_tool);
