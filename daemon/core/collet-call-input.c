/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-call-input.h"

#include <string.h>

#include "collet-error.h"

#define MAX_KEY 128
#define FAULT " Its module has a fault; tell its author."

static gboolean
has_object (const ColletJson *json, ColletJsonNode node, const char *name)
{
  ColletJsonNode member = collet_json_member (json, node, name);

  return member != 0 && collet_json_get_type (json, member) == COLLET_JSON_OBJECT;
}

guint
collet_questions_from_capabilities (const ColletJson *json, ColletJsonNode node)
{
  ColletJsonNode elicitation;
  guint questions = 0;

  if (node == 0)
    return 0;
  elicitation = collet_json_member (json, node, "elicitation");
  if (has_object (json, node, "elicitation"))
    {
      gboolean has_url = has_object (json, elicitation, "url");

      /* An empty object is a form, as before there were modes. */
      if (!has_url || has_object (json, elicitation, "form"))
        questions |= COLLET_QUESTION_BIT_FORM;
      if (has_url)
        questions |= COLLET_QUESTION_BIT_URL;
    }
  if (has_object (json, node, "sampling"))
    questions |= COLLET_QUESTION_BIT_MODEL;
  if (has_object (json, node, "roots"))
    questions |= COLLET_QUESTION_BIT_ROOTS;
  return questions;
}

void
collet_questions_append_capabilities (GString *out, guint questions)
{
  gsize begin = out->len;

  g_string_append_c (out, '{');
  if (questions & (COLLET_QUESTION_BIT_FORM | COLLET_QUESTION_BIT_URL))
    g_string_append_printf (out, ",\"elicitation\":{%s%s%s}",
                            questions & COLLET_QUESTION_BIT_FORM ? "\"form\":{}" : "",
                            (questions & 3) == 3 ? "," : "",
                            questions & COLLET_QUESTION_BIT_URL ? "\"url\":{}" : "");
  if (questions & COLLET_QUESTION_BIT_MODEL)
    g_string_append (out, ",\"sampling\":{}");
  if (questions & COLLET_QUESTION_BIT_ROOTS)
    g_string_append (out, ",\"roots\":{}");
  if (out->len > begin + 1)
    g_string_erase (out, (gssize)begin + 1, 1);
  g_string_append_c (out, '}');
}

/* 0: it is none that there is. */
static guint
bit_of (const ColletJson *json, ColletJsonNode question)
{
  ColletJsonNode method = collet_json_member (json, question, "method");
  ColletJsonNode params = collet_json_member (json, question, "params");
  ColletJsonNode mode;

  if (params == 0 || collet_json_get_type (json, params) != COLLET_JSON_OBJECT || method == 0)
    return 0;
  if (collet_json_string_is (json, method, "sampling/createMessage"))
    return COLLET_QUESTION_BIT_MODEL;
  if (collet_json_string_is (json, method, "roots/list"))
    return COLLET_QUESTION_BIT_ROOTS;
  if (!collet_json_string_is (json, method, "elicitation/create"))
    return 0;
  mode = collet_json_member (json, params, "mode");
  if (mode == 0 || collet_json_string_is (json, mode, "form"))
    return COLLET_QUESTION_BIT_FORM;
  return collet_json_string_is (json, mode, "url") ? COLLET_QUESTION_BIT_URL : 0;
}

ColletJsonNode
collet_questions_get_requests (const ColletJson *json)
{
  return collet_json_member (json, 0, "inputRequests");
}

gboolean
collet_questions_check (const ColletJson *json, guint *needed, GError **error)
{
  ColletJsonNode requests = collet_questions_get_requests (json);
  guint length = has_object (json, 0, "inputRequests") ? collet_json_get_length (json, requests) : 0;

  *needed = 0;
  if (length == 0 || length > COLLET_MAX_QUESTIONS)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
                   "The tool asks for input, but not with 1 to %d questions." FAULT, COLLET_MAX_QUESTIONS);
      return FALSE;
    }
  for (ColletJsonNode node = collet_json_first (json, requests); node; node = collet_json_next (json, node))
    {
      g_autofree char *key = collet_json_dup_name (json, node);
      guint bit = bit_of (json, node);

      if (bit == 0 || *key == '\0' || strlen (key) > MAX_KEY)
        {
          g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
                       "The tool's question \"%.128s\" is not one that a client can be asked." FAULT, key);
          return FALSE;
        }
      *needed |= bit;
    }
  return TRUE;
}

guchar *
collet_questions_dup_state (const ColletJson *json, gsize *size)
{
  ColletJsonNode node = collet_json_member (json, 0, "state");
  g_autofree char *text = node != 0 ? collet_json_dup_string (json, node) : NULL;

  *size = 0;
  return text != NULL ? g_base64_decode (text, size) : NULL;
}

gboolean
collet_replies_check (const ColletJson *json, ColletJsonNode node, const char **reason)
{
  if (collet_json_get_type (json, node) != COLLET_JSON_OBJECT)
    {
      *reason = "params.inputResponses must be an object.";
      return FALSE;
    }
  for (ColletJsonNode member = collet_json_first (json, node); member;
       member = collet_json_next (json, member))
    if (collet_json_get_type (json, member) != COLLET_JSON_OBJECT)
      {
        *reason = "Each member of params.inputResponses must be an object.";
        return FALSE;
      }
  return TRUE;
}
