/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-question.c: what a call asks the client, and what came back for it. */
#include "collet-invocation.h"

#include <string.h>

#define KEY_MAX 128

static const char *const methods[] = {
  [COLLET_QUESTION_FORM] = "elicitation/create",
  [COLLET_QUESTION_URL] = "elicitation/create",
  [COLLET_QUESTION_MODEL] = "sampling/createMessage",
  [COLLET_QUESTION_ROOTS] = "roots/list",
};

static struct collet_scratch *
scratch_of (struct collet_call *call)
{
  return (struct collet_scratch *)call;
}

bool
collet_question_can_ask (struct collet_call *call, enum collet_question question)
{
  return (unsigned)question <= COLLET_QUESTION_ROOTS &&
         (scratch_of (call)->request->questions >> question & 1) != 0;
}

/* What is wrong here is found when the whole is checked, and named there. */
void
collet_question_ask (struct collet_call *call, enum collet_question question, const char *key,
                     const char *params, size_t size)
{
  struct collet_scratch *scratch = scratch_of (call);
  const char *method = (unsigned)question <= COLLET_QUESTION_ROOTS ? methods[question] : "";

  if (key == NULL)
    return;
  pthread_mutex_lock (&scratch->lock);
  collet_answer_add_question (&scratch->answer, key, strnlen (key, KEY_MAX + 1), method,
                              params != NULL ? params : "{}", params != NULL ? size : 2);
  pthread_mutex_unlock (&scratch->lock);
}

/* The value at a path in the reply under `key`. */
static bool
find (struct collet_scratch *scratch, const char *key, const char *path, struct collet_slice *value)
{
  if (scratch->replies_size == 0 || key == NULL ||
      !collet_arguments_find (scratch->returned.bytes, scratch->replies_size, key, value))
    return false;
  while (path != NULL && *path != '\0')
    {
      size_t length = strcspn (path, "/");
      char name[KEY_MAX + 1];

      if (length > KEY_MAX)
        return false;
      memcpy (name, path, length);
      name[length] = '\0';
      if (!collet_arguments_find (value->text, value->size, name, value))
        return false;
      path += length + (path[length] == '/');
    }
  return true;
}

static bool
is_string (const struct collet_slice *slice, const char *text)
{
  size_t length = strlen (text);

  return slice->size == length + 2 && slice->text[0] == '"' && memcmp (slice->text + 1, text, length) == 0;
}

enum collet_reply
collet_question_get_reply (struct collet_call *call, const char *key)
{
  struct collet_scratch *scratch = scratch_of (call);
  struct collet_slice part;

  if (find (scratch, key, "action", &part))
    return is_string (&part, "accept")    ? COLLET_REPLY_ACCEPTED
           : is_string (&part, "decline") ? COLLET_REPLY_DECLINED
           : is_string (&part, "cancel")  ? COLLET_REPLY_CANCELLED
                                          : COLLET_REPLY_NONE;
  /* A model's message, or roots. */
  if (find (scratch, key, "content", &part) || find (scratch, key, "roots", &part))
    return COLLET_REPLY_ACCEPTED;
  return COLLET_REPLY_NONE;
}

bool
collet_question_get_reply_string (struct collet_call *call, const char *key, const char *path,
                                  const char **value, size_t *size)
{
  struct collet_slice slice;

  return find (scratch_of (call), key, path, &slice) && collet_slice_is_string (&slice) &&
         collet_invocation_give (scratch_of (call), &slice, true, value, size);
}

bool
collet_question_get_reply_json (struct collet_call *call, const char *key, const char *path,
                                const char **value, size_t *size)
{
  struct collet_slice slice;

  return find (scratch_of (call), key, path, &slice) &&
         collet_invocation_give (scratch_of (call), &slice, false, value, size);
}

void
collet_question_set_state (struct collet_call *call, const void *bytes, size_t size)
{
  struct collet_scratch *scratch = scratch_of (call);

  pthread_mutex_lock (&scratch->lock);
  collet_buffer_reset (&scratch->answer.state);
  collet_buffer_append (&scratch->answer.state, bytes, size);
  pthread_mutex_unlock (&scratch->lock);
}

bool
collet_question_get_state (struct collet_call *call, const void **bytes, size_t *size)
{
  struct collet_scratch *scratch = scratch_of (call);

  if (scratch->state_size == 0)
    return false;
  *bytes = scratch->returned.bytes + scratch->replies_size + 1;
  *size = scratch->state_size;
  return true;
}
