/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-reload-terms.h"

#include "collet-error.h"
#include "collet-json.h"
#include "collet-smoke-test.h"

static const struct
{
  ColletStateChoice choice;
  const char *name;
} STATES[] = {
  { COLLET_STATE_MIGRATE, "migrate" },
  { COLLET_STATE_SNAPSHOT, "snapshot" },
  { COLLET_STATE_AUTO, "auto" },
  { COLLET_STATE_DISCARD, "discard" },
};

/* ---- write ---- */

static void
add_text (GString *out, const char *name, const char *text)
{
  if (text == NULL)
    return;
  g_string_append_printf (out, "%s\"%s\":", out->len > 1 ? "," : "", name);
  collet_json_append_string (out, text, -1);
}

static void
add_number (GString *out, const char *name, guint number)
{
  g_string_append_printf (out, "%s\"%s\":%u", out->len > 1 ? "," : "", name, number);
}

char *
collet_reload_terms_write (const ColletReloadRequest *request)
{
  ColletStateChoice ordinary =
      request->kind == COLLET_RELOAD_ROLLBACK ? COLLET_STATE_AUTO : COLLET_STATE_MIGRATE;
  g_autoptr (GString) out = g_string_new ("{");

  for (guint i = 0; i < G_N_ELEMENTS (STATES); i++)
    {
      if (request->state_choice == STATES[i].choice && request->state_choice != ordinary)
        add_text (out, "state", STATES[i].name);
    }
  add_text (out, "host", request->host);
  if (request->has_grace)
    add_number (out, "grace-ms", request->grace_ms);
  if (request->drain_timeout_ms > 0)
    add_number (out, "drain-timeout-ms", request->drain_timeout_ms);
  add_text (out, "smoke-tests", request->smoke_text);
  if (out->len == 1)
    return NULL;
  g_string_append_c (out, '}');
  return g_strdup (out->str);
}

/* ---- read ---- */

static gboolean
read_number (const ColletJson *json, ColletJsonNode node, guint *number)
{
  gint64 value;

  if (!collet_json_get_int64 (json, node, &value) || value < 0 || value > G_MAXUINT32)
    return FALSE;
  *number = (guint)value;
  return TRUE;
}

static gboolean
read_state (const ColletJson *json, ColletJsonNode node, ColletStateChoice *choice)
{
  for (guint i = 0; i < G_N_ELEMENTS (STATES); i++)
    {
      if (!collet_json_string_is (json, node, STATES[i].name))
        continue;
      *choice = STATES[i].choice;
      return TRUE;
    }
  return FALSE;
}

static gboolean
read_host (const ColletJson *json, ColletJsonNode node, char **host)
{
  if (!collet_json_string_is (json, node, "worker") && !collet_json_string_is (json, node, "in-process"))
    return FALSE;
  g_free (*host);
  *host = collet_json_dup_string (json, node);
  return TRUE;
}

static gboolean
read_smoke_tests (const ColletJson *json, ColletJsonNode node, ColletReloadRequest *request)
{
  g_autofree char *text = collet_json_dup_string (json, node);
  g_autoptr (GPtrArray) tests = text != NULL ? collet_smoke_tests_parse (text, NULL) : NULL;

  if (tests == NULL)
    return FALSE;
  g_clear_pointer (&request->smoke_tests, g_ptr_array_unref);
  g_free (request->smoke_text);
  request->smoke_tests = g_steal_pointer (&tests);
  request->smoke_text = g_steal_pointer (&text);
  return TRUE;
}

static gboolean
read_term (const ColletJson *json, ColletJsonNode node, ColletReloadRequest *request)
{
  if (collet_json_name_is (json, node, "state"))
    return read_state (json, node, &request->state_choice);
  if (collet_json_name_is (json, node, "host"))
    return read_host (json, node, &request->host);
  if (collet_json_name_is (json, node, "grace-ms"))
    return (request->has_grace = read_number (json, node, &request->grace_ms));
  if (collet_json_name_is (json, node, "drain-timeout-ms"))
    return read_number (json, node, &request->drain_timeout_ms);
  return collet_json_name_is (json, node, "smoke-tests") && read_smoke_tests (json, node, request);
}

gboolean
collet_reload_terms_read (ColletReloadRequest *request, const char *terms, GError **error)
{
  g_autoptr (ColletJson) json = NULL;

  if (terms == NULL)
    return TRUE;
  json = collet_json_parse (terms, -1, NULL);
  if (json == NULL || collet_json_get_type (json, 0) != COLLET_JSON_OBJECT)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "What is asked of each node is no JSON object: %.200s", terms);
      return FALSE;
    }
  for (ColletJsonNode node = collet_json_first (json, 0); node != 0; node = collet_json_next (json, node))
    {
      g_autofree char *name = NULL;

      if (read_term (json, node, request))
        continue;
      name = collet_json_dup_name (json, node);
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "This node does not understand the option \"%.64s\" that it was asked for. Is its daemon "
                   "older than the one that was asked?",
                   name);
      return FALSE;
    }
  return TRUE;
}
