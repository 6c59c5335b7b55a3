/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * conformance.c: the tools that MCP's conformance suite calls, with the answers
 * that it looks for. Their names and texts are the suite's.
 */
#include "collet-module.h"

#include <stdio.h>
#include <time.h>

static const unsigned char png[] = {
  0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
  0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1f, 0x15, 0xc4, 0x89, 0x00, 0x00, 0x00,
  0x0d, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x64, 0xf8, 0xcf, 0x50, 0x0f, 0x00, 0x03, 0x86, 0x01, 0x80,
  0x5a, 0x34, 0x7d, 0x6b, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

/* A WAV file without samples. */
static const unsigned char wav[] =
    "RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\x08\0data\0\0\0\0";

static void
sleep_ms (long milliseconds)
{
  const struct timespec time = { .tv_nsec = milliseconds * 1000000 };

  nanosleep (&time, NULL);
}

static int
say (struct collet_call *call, const char *text)
{
  collet_add_text (call, text);
  return COLLET_OK;
}

static int
simple_text (struct collet_call *call)
{
  return say (call, "This is a simple text response for testing.");
}

static int
image (struct collet_call *call)
{
  collet_add_image (call, png, sizeof png, "image/png");
  return COLLET_OK;
}

static int
audio (struct collet_call *call)
{
  collet_add_audio (call, wav, sizeof wav - 1, "audio/wav");
  return COLLET_OK;
}

static int
embedded (struct collet_call *call)
{
  collet_add_resource_text (call, "test://embedded-resource", "text/plain",
                            "This is an embedded resource content.");
  return COLLET_OK;
}

static int
mixed (struct collet_call *call)
{
  collet_add_text (call, "Multiple content types test:");
  collet_add_image (call, png, sizeof png, "image/png");
  collet_add_resource_text (call, "test://mixed-content-resource", "application/json",
                            "{\"test\":\"data\",\"value\":123}");
  return COLLET_OK;
}

static int
logging (struct collet_call *call)
{
  collet_call_log (call, COLLET_LEVEL_INFO, "Tool execution started");
  sleep_ms (50);
  collet_call_log (call, COLLET_LEVEL_INFO, "Tool processing data");
  sleep_ms (50);
  collet_call_log (call, COLLET_LEVEL_INFO, "Tool execution completed");
  return say (call, "Tool with logging executed successfully");
}

static int
progress (struct collet_call *call)
{
  collet_progress (call, 0, 100, "Completed step 0 of 100");
  sleep_ms (50);
  collet_progress (call, 50, 100, "Completed step 50 of 100");
  sleep_ms (50);
  collet_progress (call, 100, 100, "Completed step 100 of 100");
  return say (call, "done");
}

static int
error (struct collet_call *call)
{
  return collet_call_fail (call, "This tool intentionally returns an error for testing");
}

static int
nothing (struct collet_call *call)
{
  return say (call, "done");
}

/* Questions. */

#define FORM(message, properties, required)                                                                  \
  "{\"message\":\"" message "\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{" properties        \
  "},\"required\":[" required "]}}"
#define NAME_FORM FORM ("What is your name?", "\"name\":{\"type\":\"string\"}", "\"name\"")
#define CONFIRM_FORM FORM ("Please confirm", "\"ok\":{\"type\":\"boolean\"}", "\"ok\"")
#define PROMPT(text, tokens)                                                                                 \
  "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"" text                        \
  "\"}}],\"maxTokens\":" tokens "}"

static bool
is_answered (struct collet_call *call, const char *key)
{
  return collet_get_reply (call, key) != COLLET_REPLY_NONE;
}

/* A string of the arguments as it stands there, with its quotes. */
static const char *
raw_argument (struct collet_call *call, const char *name)
{
  const char *text = "\"\"";

  collet_get_json (call, name, &text, NULL);
  return text;
}

static int
sampling (struct collet_call *call)
{
  const char *text;
  char params[1024];

  if (collet_get_reply_string (call, "prompt", "content/text", &text, NULL))
    {
      snprintf (params, sizeof params, "LLM response: %s", text);
      return say (call, params);
    }
  snprintf (
      params, sizeof params,
      "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":%s}}],\"maxTokens\":100}",
      raw_argument (call, "prompt"));
  return collet_ask (call, COLLET_QUESTION_MODEL, "prompt", params);
}

static int
tell_form (struct collet_call *call, const char *begin)
{
  const char *action = "", *content = "{}";
  char text[1024];

  collet_get_reply_string (call, "form", "action", &action, NULL);
  collet_get_reply_json (call, "form", "content", &content, NULL);
  snprintf (text, sizeof text, "%s: action=%s, content=%s", begin, action, content);
  return say (call, text);
}

static int
elicitation (struct collet_call *call)
{
  char params[1024];

  if (is_answered (call, "form"))
    return tell_form (call, "User response");
  snprintf (params, sizeof params,
            "{\"message\":%s,\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"response\":{\"type\":"
            "\"string\",\"description\":\"User's response\"}},\"required\":[\"response\"]}}",
            raw_argument (call, "message"));
  return collet_ask (call, COLLET_QUESTION_FORM, "form", params);
}

static int
defaults (struct collet_call *call)
{
  if (is_answered (call, "form"))
    return tell_form (call, "Elicitation completed");
  return collet_ask (
      call, COLLET_QUESTION_FORM, "form",
      FORM (
          "Please review and update the form fields with defaults",
          "\"name\":{\"type\":\"string\",\"description\":\"User name\",\"default\":\"John Doe\"},"
          "\"age\":{\"type\":\"integer\",\"description\":\"User age\",\"default\":30},"
          "\"score\":{\"type\":\"number\",\"description\":\"User score\",\"default\":95.5},"
          "\"status\":{\"type\":\"string\",\"description\":\"User status\",\"enum\":[\"active\",\"inactive\","
          "\"pending\"],\"default\":\"active\"},"
          "\"verified\":{\"type\":\"boolean\",\"description\":\"Verification status\",\"default\":true}",
          ""));
}

static int
enums (struct collet_call *call)
{
  if (is_answered (call, "form"))
    return tell_form (call, "Elicitation completed");
  return collet_ask (
      call, COLLET_QUESTION_FORM, "form",
      FORM ("Please select options from the enum fields",
            "\"untitledSingle\":{\"type\":\"string\",\"enum\":[\"option1\",\"option2\",\"option3\"]},"
            "\"titledSingle\":{\"type\":\"string\",\"oneOf\":[{\"const\":\"value1\",\"title\":\"First "
            "Option\"},"
            "{\"const\":\"value2\",\"title\":\"Second Option\"},{\"const\":\"value3\",\"title\":\"Third "
            "Option\"}]},"
            "\"legacyEnum\":{\"type\":\"string\",\"enum\":[\"opt1\",\"opt2\",\"opt3\"],"
            "\"enumNames\":[\"Option One\",\"Option Two\",\"Option Three\"]},"
            "\"untitledMulti\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"items\":{\"type\":"
            "\"string\","
            "\"enum\":[\"option1\",\"option2\",\"option3\"]}},"
            "\"titledMulti\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"items\":{\"anyOf\":["
            "{\"const\":\"value1\",\"title\":\"First Choice\"},{\"const\":\"value2\",\"title\":\"Second "
            "Choice\"},"
            "{\"const\":\"value3\",\"title\":\"Third Choice\"}]}}",
            ""));
}

static int
ask_name (struct collet_call *call)
{
  const char *name;
  char text[256];

  if (!collet_get_reply_string (call, "user_name", "content/name", &name, NULL))
    return collet_ask (call, COLLET_QUESTION_FORM, "user_name", NAME_FORM);
  snprintf (text, sizeof text, "Hello, %s!", name);
  return say (call, text);
}

static int
ask_model (struct collet_call *call)
{
  const char *text;

  if (!collet_get_reply_string (call, "capital_question", "content/text", &text, NULL))
    return collet_ask (call, COLLET_QUESTION_MODEL, "capital_question",
                       PROMPT ("What is the capital of France?", "100"));
  return say (call, text);
}

static int
ask_roots (struct collet_call *call)
{
  const char *roots;

  if (!collet_get_reply_json (call, "client_roots", "roots", &roots, NULL))
    return collet_ask (call, COLLET_QUESTION_ROOTS, "client_roots", "{}");
  return say (call, roots);
}

/* The state is asked for and must have come back. */
static int
confirm (struct collet_call *call)
{
  const void *state;
  size_t size;

  if (is_answered (call, "confirm") && collet_get_state (call, &state, &size))
    return say (call, size == 4 && memcmp (state, "kept", 4) == 0 ? "state-ok" : "another state");
  collet_set_state (call, "kept", 4);
  return collet_ask (call, COLLET_QUESTION_FORM, "confirm", CONFIRM_FORM);
}

static int
ask_all (struct collet_call *call)
{
  if (is_answered (call, "user_name") && is_answered (call, "greeting") && is_answered (call, "client_roots"))
    return say (call, "all answered");
  collet_set_state (call, "many", 4);
  collet_ask (call, COLLET_QUESTION_FORM, "user_name", NAME_FORM);
  collet_ask (call, COLLET_QUESTION_MODEL, "greeting", PROMPT ("Generate a greeting", "50"));
  return collet_ask (call, COLLET_QUESTION_ROOTS, "client_roots", "{}");
}

static int
ask_twice (struct collet_call *call)
{
  const char *name, *color;
  const void *state;
  char text[256];
  size_t size;

  if (collet_get_state (call, &state, &size) &&
      collet_get_reply_string (call, "step2", "content/color", &color, NULL))
    {
      snprintf (text, sizeof text, "%.*s likes %s", (int)(size < 100 ? size : 100), (const char *)state,
                color);
      return say (call, text);
    }
  if (collet_get_reply_string (call, "step1", "content/name", &name, &size))
    {
      collet_set_state (call, name, size);
      return collet_ask (call, COLLET_QUESTION_FORM, "step2",
                         FORM ("Step 2: What is your favorite color?", "\"color\":{\"type\":\"string\"}",
                               "\"color\""));
    }
  return collet_ask (call, COLLET_QUESTION_FORM, "step1",
                     FORM ("Step 1: What is your name?", "\"name\":{\"type\":\"string\"}", "\"name\""));
}

static int
ask_what_can_be (struct collet_call *call)
{
  bool form = collet_can_ask (call, COLLET_QUESTION_FORM);
  bool model = collet_can_ask (call, COLLET_QUESTION_MODEL);

  if (is_answered (call, "elicit_input") || is_answered (call, "sample_input") || (!form && !model))
    return say (call, "done");
  if (form)
    collet_ask (call, COLLET_QUESTION_FORM, "elicit_input", NAME_FORM);
  if (model)
    collet_ask (call, COLLET_QUESTION_MODEL, "sample_input", PROMPT ("Sample request", "50"));
  return COLLET_INPUT_REQUIRED;
}

static int
need_model (struct collet_call *call)
{
  if (is_answered (call, "sample"))
    return say (call, "Success");
  return collet_ask (call, COLLET_QUESTION_MODEL, "sample", PROMPT ("Anything", "10"));
}

/* Reports on the way, so that there is a stream, and asks at its end. */
static int
streaming (struct collet_call *call)
{
  collet_progress (call, 50, 100, NULL);
  collet_call_log (call, COLLET_LEVEL_INFO, "half of it");
  return ask_name (call);
}

static const struct
{
  const char *tool;
  int (*run) (struct collet_call *call);
} tools[] = {
  { "test_simple_text", simple_text },
  { "test_image_content", image },
  { "test_audio_content", audio },
  { "test_embedded_resource", embedded },
  { "test_multiple_content_types", mixed },
  { "test_tool_with_logging", logging },
  { "test_tool_with_progress", progress },
  { "test_error_handling", error },
  { "test_reconnection", nothing },
  { "test_sampling", sampling },
  { "test_elicitation", elicitation },
  { "test_elicitation_sep1034_defaults", defaults },
  { "test_elicitation_sep1330_enums", enums },
  { "json_schema_2020_12_tool", nothing },
  { "test_logging_tool", logging },
  { "test_trigger_tool_change", nothing },
  { "test_headers", nothing },
  { "test_missing_capability", need_model },
  { "test_streaming_elicitation", streaming },
  { "test_input_required_result_elicitation", ask_name },
  { "test_input_required_result_sampling", ask_model },
  { "test_input_required_result_list_roots", ask_roots },
  { "test_input_required_result_request_state", confirm },
  { "test_input_required_result_tampered_state", confirm },
  { "test_input_required_result_multiple_inputs", ask_all },
  { "test_input_required_result_multi_round", ask_twice },
  { "test_input_required_result_capabilities", ask_what_can_be },
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
