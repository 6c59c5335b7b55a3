/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-call-input.h: what a tool asks its client in the middle of a call, what
 * the client can be asked, and what it answered. Pure.
 *
 * "Questions" as a set are bits: 1 << enum collet_question.
 */
#pragma once

#include "collet-json.h"

G_BEGIN_DECLS

#define COLLET_QUESTION_BIT_FORM (1u << 0)
#define COLLET_QUESTION_BIT_URL (1u << 1)
#define COLLET_QUESTION_BIT_MODEL (1u << 2)
#define COLLET_QUESTION_BIT_ROOTS (1u << 3)

#define COLLET_MAX_QUESTIONS 16

/* Of a client's "capabilities"; node 0: none. */
guint collet_questions_from_capabilities (const ColletJson *json, ColletJsonNode node);
/* {"elicitation":{},"sampling":{}}: what a client must be able to do for these. */
void collet_questions_append_capabilities (GString *out, guint questions);

/* What a module asks: {"inputRequests":{"<key>":{"method":"...","params":{}}},
 * "state":"<base64>"}. COLLET_ERROR_INVALID_RESULT if it is not that. *needed: what
 * a client must be able to answer. */
gboolean
collet_questions_check (const ColletJson *json, guint *needed, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The object under "inputRequests"; its members are the questions. */
ColletJsonNode collet_questions_get_requests (const ColletJson *json);
/* The module's state, NULL if there is none. */
guchar *collet_questions_dup_state (const ColletJson *json, gsize *size);

/* A client's "inputResponses": an object of objects. FALSE: *reason (static) says
 * what is wrong. */
gboolean collet_replies_check (const ColletJson *json, ColletJsonNode node, const char **reason);

G_END_DECLS
