/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-call-recorder.h"

#include <pthread.h>
#include <string.h>

static const char *const usual[] = { "password",      "passwd",  "secret",        "token",
                                     "authorization", "api_key", "apikey",        "api-key",
                                     "access_token",  "cookie",  "client_secret", NULL };

#define MAX_LEVEL 4 /* of JSON in text in JSON */

typedef struct
{
  GQueue calls; /* ColletRecordedCall, oldest first */
  gsize size;
} Module;

struct _ColletCallRecorder
{
  guint max_calls;
  GStrv redact;
  pthread_mutex_t lock;
  GHashTable *modules; /* name → Module */
  gsize size;
};

void
collet_recorded_call_free (ColletRecordedCall *call)
{
  g_free (call->tool);
  g_free (call->arguments);
  g_free (call->answer);
  g_free (call);
}

static void
module_free (gpointer data)
{
  Module *module = data;

  g_queue_clear_full (&module->calls, (GDestroyNotify)collet_recorded_call_free);
  g_free (module);
}

ColletCallRecorder *
collet_call_recorder_new (guint max_calls, const char *const *redact)
{
  ColletCallRecorder *self = g_new0 (ColletCallRecorder, 1);

  self->max_calls = MAX (max_calls, 1);
  self->redact = g_strdupv ((GStrv)(redact != NULL ? redact : usual));
  self->modules = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, module_free);
  pthread_mutex_init (&self->lock, NULL);
  return self;
}

void
collet_call_recorder_free (ColletCallRecorder *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->modules);
  g_strfreev (self->redact);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

/* ---- redaction ---- */

static gboolean
is_redacted (const ColletCallRecorder *self, const char *name)
{
  for (guint i = 0; self->redact[i] != NULL; i++)
    if (g_ascii_strcasecmp (self->redact[i], name) == 0)
      return TRUE;
  return FALSE;
}

/* Text that is JSON itself, as tools repeat their structured result; NULL: it is
 * not. `level`: how many texts it is in already. */
static ColletJson *
parse_text (const ColletJson *json, ColletJsonNode node, guint level)
{
  g_autofree char *text = level < MAX_LEVEL ? collet_json_dup_string (json, node) : NULL;

  if (text == NULL || (*text != '{' && *text != '['))
    return NULL;
  return collet_json_parse (text, -1, NULL);
}

/* The JSON reader bounds the depth. */
static gboolean
has_redacted (const ColletCallRecorder *self, const ColletJson *json, ColletJsonNode node, guint level)
{
  g_autoptr (ColletJson) inner = parse_text (json, node, level);

  if (inner != NULL)
    return has_redacted (self, inner, 0, level + 1);
  for (ColletJsonNode child = collet_json_first (json, node); child != 0;
       child = collet_json_next (json, child))
    {
      g_autofree char *name = collet_json_dup_name (json, child);

      if ((name != NULL && is_redacted (self, name)) || has_redacted (self, json, child, level))
        return TRUE;
    }
  return FALSE;
}

static void append_redacted (const ColletCallRecorder *self, GString *out, const ColletJson *json,
                             ColletJsonNode node, guint level);

static void
append_children (const ColletCallRecorder *self, GString *out, const ColletJson *json, ColletJsonNode node,
                 guint level)
{
  gboolean is_first = TRUE;

  for (ColletJsonNode child = collet_json_first (json, node); child != 0;
       child = collet_json_next (json, child))
    {
      g_autofree char *name = collet_json_dup_name (json, child);

      if (node == 0 && level == 0 && g_strcmp0 (name, "_meta") == 0)
        continue;
      if (!is_first)
        g_string_append_c (out, ',');
      is_first = FALSE;
      if (name != NULL)
        {
          collet_json_append_string (out, name, -1);
          g_string_append_c (out, ':');
        }
      if (name != NULL && is_redacted (self, name))
        g_string_append (out, "\"[redacted]\"");
      else
        append_redacted (self, out, json, child, level);
    }
}

static void
append_scalar (const ColletCallRecorder *self, GString *out, const ColletJson *json, ColletJsonNode node,
               guint level)
{
  g_autoptr (ColletJson) inner = parse_text (json, node, level);
  gsize size;
  const char *raw = collet_json_get_raw (json, node, &size);

  if (inner == NULL || !has_redacted (self, inner, 0, level + 1))
    {
      g_string_append_len (out, raw, (gssize)size);
      return;
    }

  g_autoptr (GString) text = g_string_new (NULL);
  append_redacted (self, text, inner, 0, level + 1);
  collet_json_append_string (out, text->str, (gssize)text->len);
}

static void
append_redacted (const ColletCallRecorder *self, GString *out, const ColletJson *json, ColletJsonNode node,
                 guint level)
{
  ColletJsonType type = collet_json_get_type (json, node);

  if (type != COLLET_JSON_OBJECT && type != COLLET_JSON_ARRAY)
    {
      append_scalar (self, out, json, node, level);
      return;
    }
  g_string_append_c (out, type == COLLET_JSON_OBJECT ? '{' : '[');
  append_children (self, out, json, node, level);
  g_string_append_c (out, type == COLLET_JSON_OBJECT ? '}' : ']');
}

char *
collet_call_recorder_dup_answer (ColletCallRecorder *self, const ColletJson *json)
{
  GString *out = g_string_new (NULL);

  append_redacted (self, out, json, 0, 0);
  return g_string_free (out, FALSE);
}

/* ---- recording ---- */

static gsize
size_of (const ColletRecordedCall *call)
{
  return strlen (call->tool) + strlen (call->arguments) + strlen (call->answer) + sizeof *call;
}

/* Locked. */
static void
drop_oldest (ColletCallRecorder *self, Module *module)
{
  ColletRecordedCall *call = g_queue_pop_head (&module->calls);

  module->size -= size_of (call);
  self->size -= size_of (call);
  collet_recorded_call_free (call);
}

/* Locked. Takes `call`. */
static void
keep (ColletCallRecorder *self, const char *name, ColletRecordedCall *call)
{
  Module *module = g_hash_table_lookup (self->modules, name);
  gsize size = size_of (call);

  if (module == NULL)
    {
      module = g_new0 (Module, 1);
      g_hash_table_insert (self->modules, g_strdup (name), module);
    }
  while (module->calls.length > 0 &&
         (module->calls.length >= self->max_calls || module->size + size > COLLET_RECORDED_MODULE_MAX ||
          self->size + size > COLLET_RECORDED_TOTAL_MAX))
    drop_oldest (self, module);
  if (self->size + size > COLLET_RECORDED_TOTAL_MAX)
    {
      collet_recorded_call_free (call); /* the others have it all */
      return;
    }
  g_queue_push_tail (&module->calls, call);
  module->size += size;
  self->size += size;
}

void
collet_call_recorder_add (ColletCallRecorder *self, const ColletToolEntry *entry, const char *arguments,
                          gsize arguments_size, const char *json, gsize json_size)
{
  if (self == NULL || !entry->tool->read_only || arguments_size + json_size > COLLET_RECORDED_CALL_MAX)
    return;

  g_autoptr (ColletJson) asked = collet_json_parse_borrowed (arguments, arguments_size, NULL);
  g_autoptr (ColletJson) answered = collet_json_parse_borrowed (json, json_size, NULL);
  if (asked == NULL || answered == NULL || has_redacted (self, asked, 0, 0))
    return;

  ColletRecordedCall *call = g_new0 (ColletRecordedCall, 1);
  call->tool = g_strdup (entry->module_tool);
  call->arguments = g_strndup (arguments, arguments_size);
  call->answer = collet_call_recorder_dup_answer (self, answered);
  pthread_mutex_lock (&self->lock);
  keep (self, entry->module, call);
  pthread_mutex_unlock (&self->lock);
}

GPtrArray *
collet_call_recorder_list (ColletCallRecorder *self, const char *module, const char *tool, guint limit)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_recorded_call_free);

  pthread_mutex_lock (&self->lock);
  Module *found = g_hash_table_lookup (self->modules, module);
  for (GList *link = found != NULL ? found->calls.tail : NULL; link != NULL && calls->len < limit;
       link = link->prev)
    {
      const ColletRecordedCall *call = link->data;

      if (tool != NULL && !g_str_equal (tool, call->tool))
        continue;
      ColletRecordedCall *copy = g_new0 (ColletRecordedCall, 1);
      copy->tool = g_strdup (call->tool);
      copy->arguments = g_strdup (call->arguments);
      copy->answer = g_strdup (call->answer);
      g_ptr_array_insert (calls, 0, copy);
    }
  pthread_mutex_unlock (&self->lock);
  return calls;
}
