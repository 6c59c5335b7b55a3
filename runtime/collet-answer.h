/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-answer.h: MCP's CallToolResult as a module builds it up. Internal to the
 * runtime. Not locked.
 */
#ifndef COLLET_ANSWER_H
#define COLLET_ANSWER_H

#include "collet-buffer.h"

struct collet_answer
{
  struct collet_buffer json;       /* {"content":[ and blocks, so far */
  struct collet_buffer structured; /* as the module gave it */
  struct collet_buffer questions;  /* {"inputRequests":{ and members, so far */
  struct collet_buffer state;      /* what goes with them */
  unsigned n_questions;
  bool has_content;
  bool has_structured;
  bool is_error;
};

void collet_answer_init (struct collet_answer *answer);
void collet_answer_clear (struct collet_answer *answer);
void collet_answer_reset (struct collet_answer *answer);

void collet_answer_add_text (struct collet_answer *answer, const char *text, size_t size);
/* type: "image" or "audio" */
void collet_answer_add_media (struct collet_answer *answer, const char *type, const void *data, size_t size,
                              const char *mime_type);
void collet_answer_add_link (struct collet_answer *answer, const char *uri, const char *name,
                             const char *title, const char *description, const char *mime_type);
void collet_answer_add_resource_text (struct collet_answer *answer, const char *uri, const char *mime_type,
                                      const char *text, size_t size);
void collet_answer_add_resource_blob (struct collet_answer *answer, const char *uri, const char *mime_type,
                                      const void *data, size_t size);
void collet_answer_set_structured (struct collet_answer *answer, const char *json, size_t size);

/* `params`: JSON as the module gave it. */
void collet_answer_add_question (struct collet_answer *answer, const char *key, size_t key_size,
                                 const char *method, const char *params, size_t params_size);
/* Completes the questions; borrowed until the next reset. NULL: they do not fit, or
 * there is no memory. */
const char *collet_answer_finish_questions (struct collet_answer *answer, size_t *size);

/* Completes the text; borrowed until the next reset. An answer that grew beyond
 * COLLET_WIRE_MAX becomes an error that says so. NULL only without memory. */
const char *collet_answer_finish (struct collet_answer *answer, size_t *size);

#endif /* COLLET_ANSWER_H */
