/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-probe-report.h"

#include <string.h>

#include "collet-check.h"
#include "collet-error.h"
#include "collet-json.h"

#define MAX_SIZE (2u * 1024u * 1024u) /* a manifest of 256 KiB, escaped, and the rest */
#define MAX_CHECKS 64
#define MAX_TEXT 4096 /* bytes of a sentence */
#define MAX_BUILD_ID 128

void
collet_probe_report_free (ColletProbeReport *self)
{
  g_ptr_array_unref (self->checks);
  g_free (self->manifest);
  g_free (self->code_digest);
  g_free (self->build_id);
  g_clear_error (&self->error);
  g_free (self);
}

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MODULE,
               "The trial of the module gave no valid report: %s", what);
  return FALSE;
}

/* Words that end in a log or on a terminal: bounded, and without anything that
 * could move a cursor. */
static char *
dup_text (const ColletJson *json, ColletJsonNode node)
{
  char *text = collet_json_dup_string (json, node);

  if (text == NULL)
    return NULL;
  if (strlen (text) > MAX_TEXT)
    *g_utf8_find_prev_char (text, text + MAX_TEXT) = '\0';
  for (char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      if (*p >= 0x20 && *p < 0x7f)
        continue;
      gunichar c = g_utf8_get_char (p);
      if (c == '\n' || c == '\t')
        *p = ' ';
      else if (c < 0x20 || c == 0x7f)
        *p = '?';
      else if (g_unichar_iscntrl (c) || g_unichar_type (c) == G_UNICODE_FORMAT)
        memset (p, '?', (gsize)(g_utf8_next_char (p) - p));
    }
  return text;
}

static gboolean
is_hex (const char *text)
{
  return *text != '\0' && text[strspn (text, "0123456789abcdef")] == '\0';
}

static gboolean
is_check_name (const char *name)
{
  gsize length = strlen (name);

  return length > 0 && length <= 40 && strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static gboolean
parse_outcome (const ColletJson *json, ColletJsonNode node, ColletCheckOutcome *outcome)
{
  static const char *const names[] = {
    [COLLET_CHECK_PASSED] = "passed",
    [COLLET_CHECK_WARNING] = "warning",
    [COLLET_CHECK_FAILED] = "failed",
    [COLLET_CHECK_SKIPPED] = "skipped",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (collet_json_string_is (json, node, names[i]))
        {
          *outcome = (ColletCheckOutcome)i;
          return TRUE;
        }
    }
  return FALSE;
}

static ColletCheck *
parse_check (const ColletJson *json, ColletJsonNode node)
{
  g_autofree char *name = NULL;
  g_autofree char *evidence = NULL;
  g_autofree char *remedy = NULL;
  ColletCheckOutcome outcome = COLLET_CHECK_FAILED;
  gboolean has_outcome = FALSE;

  if (collet_json_get_type (json, node) != COLLET_JSON_OBJECT)
    return NULL;
  for (ColletJsonNode n = collet_json_first (json, node); n != 0; n = collet_json_next (json, n))
    {
      if (collet_json_name_is (json, n, "name"))
        name = collet_json_dup_string (json, n);
      else if (collet_json_name_is (json, n, "outcome"))
        has_outcome = parse_outcome (json, n, &outcome);
      else if (collet_json_name_is (json, n, "evidence"))
        evidence = dup_text (json, n);
      else if (collet_json_name_is (json, n, "remedy"))
        remedy = dup_text (json, n);
      else
        return NULL;
    }
  if (name == NULL || !is_check_name (name) || !has_outcome)
    return NULL;
  return collet_check_new (name, outcome, evidence != NULL ? evidence : "", remedy);
}

static gboolean
parse_checks (ColletProbeReport *self, const ColletJson *json, ColletJsonNode node, GError **error)
{
  if (collet_json_get_type (json, node) != COLLET_JSON_ARRAY ||
      collet_json_get_length (json, node) > MAX_CHECKS)
    return refuse (error, "its checks are no list, or too many");

  for (ColletJsonNode n = collet_json_first (json, node); n != 0; n = collet_json_next (json, n))
    {
      ColletCheck *check = parse_check (json, n);
      if (check == NULL)
        return refuse (error, "a check in it is malformed");
      g_ptr_array_add (self->checks, check);
    }
  return TRUE;
}

static gboolean
parse_member (ColletProbeReport *self, const ColletJson *json, ColletJsonNode node, char **name,
              char **message, GError **error)
{
  g_autofree char *unknown = NULL;

  if (collet_json_name_is (json, node, "checks"))
    return parse_checks (self, json, node, error);
  if (collet_json_name_is (json, node, "stateful"))
    {
      self->has_state = collet_json_get_type (json, node) == COLLET_JSON_TRUE;
      return self->has_state || collet_json_get_type (json, node) == COLLET_JSON_FALSE ||
             refuse (error, "\"stateful\" in it is no boolean");
    }
  if (collet_json_get_type (json, node) != COLLET_JSON_STRING)
    return refuse (error, "a member of it is no text");

  if (collet_json_name_is (json, node, "manifest"))
    self->manifest = collet_json_dup_string (json, node);
  else if (collet_json_name_is (json, node, "code_digest"))
    self->code_digest = collet_json_dup_string (json, node);
  else if (collet_json_name_is (json, node, "build_id"))
    self->build_id = collet_json_dup_string (json, node);
  else if (collet_json_name_is (json, node, "error"))
    *name = collet_json_dup_string (json, node);
  else if (collet_json_name_is (json, node, "message"))
    *message = dup_text (json, node);
  else if (!collet_json_name_is (json, node, "remedy"))
    return refuse (error, "it has an unknown member");
  return TRUE;
}

/* The verdict follows from the checks; a report that contradicts itself counts
 * as the worse of the two. */
static gboolean
set_verdict (ColletProbeReport *self, const char *name, const char *message, GError **error)
{
  ColletError code = COLLET_ERROR_INVALID_MODULE;
  const ColletCheck *failed = NULL;

  if (name != NULL && !collet_error_from_name (name, &code))
    return refuse (error, "it names an unknown error");
  for (guint i = 0; i < self->checks->len && failed == NULL; i++)
    {
      const ColletCheck *check = g_ptr_array_index (self->checks, i);
      if (check->outcome == COLLET_CHECK_FAILED)
        failed = check;
    }
  if (name == NULL && failed == NULL)
    return TRUE;

  if (message == NULL || *message == '\0')
    message = failed != NULL ? failed->evidence : "the trial gave no reason";
  self->error = g_error_new_literal (COLLET_ERROR, (int)code, message);
  return TRUE;
}

static gboolean
check_identities (const ColletProbeReport *self, GError **error)
{
  if (self->code_digest != NULL && (strlen (self->code_digest) != 64 || !is_hex (self->code_digest)))
    return refuse (error, "its code digest is malformed");
  if (self->build_id != NULL && (strlen (self->build_id) > MAX_BUILD_ID || !is_hex (self->build_id)))
    return refuse (error, "its build-id is malformed");
  return TRUE;
}

ColletProbeReport *
collet_probe_report_parse (GBytes *text, GError **error)
{
  g_autoptr (ColletProbeReport) self = g_new0 (ColletProbeReport, 1);
  g_autoptr (GError) reason = NULL;
  g_autofree char *name = NULL;
  g_autofree char *message = NULL;
  gsize size;
  const char *data = g_bytes_get_data (text, &size);

  self->checks = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_check_free);
  if (size > MAX_SIZE)
    {
      refuse (error, "it is too long");
      return NULL;
    }
  g_autoptr (ColletJson) json = collet_json_parse_borrowed (data, size, &reason);
  if (json == NULL || collet_json_get_type (json, 0) != COLLET_JSON_OBJECT)
    {
      refuse (error, reason != NULL ? reason->message : "it is no JSON object");
      return NULL;
    }

  for (ColletJsonNode n = collet_json_first (json, 0); n != 0; n = collet_json_next (json, n))
    {
      if (!parse_member (self, json, n, &name, &message, error))
        return NULL;
    }
  if (!check_identities (self, error) || !set_verdict (self, name, message, error))
    return NULL;
  return g_steal_pointer (&self);
}
