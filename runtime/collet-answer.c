/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-answer.h"

#include <string.h>

#include "collet-wire.h"

#define OPENING "{\"content\":["
/* Room for what finish adds beyond content and structured content. */
#define CLOSING_MAX 64
#define QUESTIONS_OPENING "{\"inputRequests\":{"
#define QUESTIONS_MAX (1u << 20)
#define STATE_MAX (64u * 1024u)
#define DEFAULT_MIME_TYPE "application/octet-stream"

static const char too_large[] =
    OPENING "{\"type\":\"text\",\"text\":\"The tool's answer is larger than 64 MiB, so it was dropped. "
            "Ask for less at a time.\"}],\"isError\":true}";

void
collet_answer_init (struct collet_answer *answer)
{
  memset (answer, 0, sizeof *answer);
  collet_buffer_init (&answer->json, COLLET_WIRE_MAX);
  collet_buffer_init (&answer->structured, COLLET_WIRE_MAX - CLOSING_MAX);
  collet_buffer_init (&answer->questions, QUESTIONS_MAX);
  collet_buffer_init (&answer->state, STATE_MAX);
}

void
collet_answer_clear (struct collet_answer *answer)
{
  collet_buffer_clear (&answer->json);
  collet_buffer_clear (&answer->structured);
  collet_buffer_clear (&answer->questions);
  collet_buffer_clear (&answer->state);
}

void
collet_answer_reset (struct collet_answer *answer)
{
  collet_buffer_reset (&answer->json);
  collet_buffer_reset (&answer->structured);
  collet_buffer_append_text (&answer->json, OPENING);
  collet_buffer_reset (&answer->questions);
  collet_buffer_reset (&answer->state);
  answer->n_questions = 0;
  answer->has_content = answer->has_structured = answer->is_error = false;
}

static struct collet_buffer *
begin_block (struct collet_answer *answer, const char *opening)
{
  if (answer->has_content)
    collet_buffer_append_text (&answer->json, ",");
  answer->has_content = true;
  collet_buffer_append_text (&answer->json, opening);
  return &answer->json;
}

void
collet_answer_add_text (struct collet_answer *answer, const char *text, size_t size)
{
  struct collet_buffer *json = begin_block (answer, "{\"type\":\"text\",\"text\":");

  collet_buffer_append_string (json, text, size);
  collet_buffer_append_text (json, "}");
}

void
collet_answer_add_media (struct collet_answer *answer, const char *type, const void *data, size_t size,
                         const char *mime_type)
{
  struct collet_buffer *json = begin_block (answer, "{\"type\":\"");

  collet_buffer_append_text (json, type);
  collet_buffer_append_text (json, "\",\"data\":\"");
  collet_buffer_append_base64 (json, data, size);
  collet_buffer_append_text (json, "\"");
  collet_buffer_append_member (json, "mimeType", mime_type != NULL ? mime_type : DEFAULT_MIME_TYPE);
  collet_buffer_append_text (json, "}");
}

void
collet_answer_add_link (struct collet_answer *answer, const char *uri, const char *name, const char *title,
                        const char *description, const char *mime_type)
{
  struct collet_buffer *json = begin_block (answer, "{\"type\":\"resource_link\"");

  collet_buffer_append_member (json, "uri", uri != NULL ? uri : "");
  collet_buffer_append_member (json, "name", name != NULL ? name : uri != NULL ? uri : "");
  collet_buffer_append_member (json, "title", title);
  collet_buffer_append_member (json, "description", description);
  collet_buffer_append_member (json, "mimeType", mime_type);
  collet_buffer_append_text (json, "}");
}

static struct collet_buffer *
begin_resource (struct collet_answer *answer, const char *uri, const char *mime_type)
{
  struct collet_buffer *json = begin_block (answer, "{\"type\":\"resource\",\"resource\":{\"uri\":");

  uri = uri != NULL ? uri : "";
  collet_buffer_append_string (json, uri, strlen (uri));
  collet_buffer_append_member (json, "mimeType", mime_type);
  return json;
}

void
collet_answer_add_resource_text (struct collet_answer *answer, const char *uri, const char *mime_type,
                                 const char *text, size_t size)
{
  struct collet_buffer *json = begin_resource (answer, uri, mime_type);

  collet_buffer_append_text (json, ",\"text\":");
  collet_buffer_append_string (json, text, size);
  collet_buffer_append_text (json, "}}");
}

void
collet_answer_add_resource_blob (struct collet_answer *answer, const char *uri, const char *mime_type,
                                 const void *data, size_t size)
{
  struct collet_buffer *json = begin_resource (answer, uri, mime_type);

  collet_buffer_append_text (json, ",\"blob\":\"");
  collet_buffer_append_base64 (json, data, size);
  collet_buffer_append_text (json, "\"}}");
}

void
collet_answer_set_structured (struct collet_answer *answer, const char *json, size_t size)
{
  collet_buffer_reset (&answer->structured);
  collet_buffer_append (&answer->structured, json, size);
  answer->has_structured = true;
}

void
collet_answer_add_question (struct collet_answer *answer, const char *key, size_t key_size,
                            const char *method, const char *params, size_t params_size)
{
  struct collet_buffer *json = &answer->questions;

  collet_buffer_append_text (json, answer->n_questions++ == 0 ? QUESTIONS_OPENING : ",");
  collet_buffer_append_string (json, key, key_size);
  collet_buffer_append_text (json, ":{\"method\":\"");
  collet_buffer_append_text (json, method);
  collet_buffer_append_text (json, "\",\"params\":");
  collet_buffer_append (json, params, params_size);
  collet_buffer_append_text (json, "}");
}

const char *
collet_answer_finish_questions (struct collet_answer *answer, size_t *size)
{
  struct collet_buffer *json = &answer->questions;

  collet_buffer_append_text (json, "}");
  if (answer->state.size > 0)
    {
      collet_buffer_append_text (json, ",\"state\":\"");
      collet_buffer_append_base64 (json, answer->state.bytes, answer->state.size);
      collet_buffer_append_text (json, "\"");
    }
  collet_buffer_append_text (json, "}");
  *size = json->size;
  return json->overflowed || answer->state.overflowed ? NULL : json->bytes;
}

const char *
collet_answer_finish (struct collet_answer *answer, size_t *size)
{
  struct collet_buffer *json = &answer->json;

  if (answer->has_structured && !answer->has_content)
    collet_answer_add_text (answer, answer->structured.bytes, answer->structured.size);
  collet_buffer_append_text (json, "]");
  if (answer->has_structured)
    {
      collet_buffer_append_text (json, ",\"structuredContent\":");
      collet_buffer_append (json, answer->structured.bytes, answer->structured.size);
    }
  collet_buffer_append_text (json, answer->is_error ? ",\"isError\":true}" : "}");

  if (json->overflowed || (answer->has_structured && answer->structured.overflowed))
    {
      answer->is_error = true;
      *size = sizeof too_large - 1;
      return too_large;
    }
  *size = json->size;
  return json->bytes;
}
