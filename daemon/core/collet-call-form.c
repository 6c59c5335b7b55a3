/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-call-form.h"

#include <string.h>

#include "collet-error.h"

static gboolean
fits (const ColletManifestTool *tool, const ColletJson *json, ColletJsonNode node, GError **error)
{
  return collet_json_schema_validate (tool->input_schema, json, node, COLLET_ERROR_INVALID_ARGUMENTS, error);
}

/* Arguments in a former form as those of `tool`; NULL: they cannot be. */
static char *
take_over (const ColletManifestTool *tool, const ColletJson *json, ColletJsonNode node, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (ColletJson) remade = NULL;

  if (tool->former == NULL)
    {
      g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENTS,
                           "this version does not say how to take such calls over");
      return NULL;
    }
  text = collet_former_form_apply (tool->former, json, node, error);
  remade = text != NULL ? collet_json_parse_borrowed (text, strlen (text), error) : NULL;
  return remade != NULL && fits (tool, remade, 0, error) ? g_steal_pointer (&text) : NULL;
}

static void
explain (GError **error, const GError *present, const char *version, const GError *reason)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENTS,
               "%s. It is in the form of version %s, which was replaced, and cannot be taken over: %s. List "
               "the tools again",
               present->message, version, reason->message);
}

static void
set_former (ColletCall *call, const ColletFormerVersion *former)
{
  call->former = g_strdup (former->version->semver);
  call->former_until = former->until;
}

/* It does not fit as it is. Of the versions before, it is the newest that it fits. */
static gboolean
check_former (ColletCall *call, const ColletToolEntry *entry, const char *name, gint64 now,
              const ColletJson *json, ColletJsonNode node, const GError *present, GError **error)
{
  for (guint i = 0; i < collet_grace_get_length (entry->grace); i++)
    {
      const ColletFormerVersion *former = collet_grace_get (entry->grace, i);
      const ColletManifestTool *old = collet_former_version_find_tool (former, name, now);
      g_autoptr (GError) reason = NULL;

      if (old == NULL || !fits (old, json, node, NULL))
        continue;
      call->remade = take_over (entry->tool, json, node, &reason);
      if (call->remade == NULL)
        {
          explain (error, present, former->version->semver, reason);
          return FALSE;
        }
      call->arguments = call->remade;
      call->arguments_size = strlen (call->remade);
      set_former (call, former);
      return TRUE;
    }
  g_propagate_error (error, g_error_copy (present));
  return FALSE;
}

gboolean
collet_call_form_check (ColletCall *call, const ColletToolEntry *entry, gint64 now, const ColletJson *json,
                        ColletJsonNode node, GError **error)
{
  const char *name = entry->former_tool != NULL ? entry->former_tool : entry->module_tool;
  g_autoptr (GError) present = NULL;

  call->tool = entry->module_tool;
  call->checked = entry->manifest;
  call->given_tool = name;
  call->given = collet_json_get_raw (json, node, &call->given_size);
  if (!fits (entry->tool, json, node, &present))
    {
      if (entry->grace != NULL)
        return check_former (call, entry, name, now, json, node, present, error);
      g_propagate_error (error, g_steal_pointer (&present));
      return FALSE;
    }
  call->arguments = call->given;
  call->arguments_size = call->given_size;
  for (guint i = 0; entry->former_tool != NULL && i < collet_grace_get_length (entry->grace); i++)
    if (call->former == NULL &&
        collet_former_version_find_tool (collet_grace_get (entry->grace, i), name, now) != NULL)
      set_former (call, collet_grace_get (entry->grace, i));
  return TRUE;
}

static gboolean
refuse_tool (const ColletCall *call, const ColletManifest *manifest, GError **error)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_TOOL_NOT_FOUND,
               "Version %s of %s, which was published while the call was on its way, has no tool \"%s\". "
               "List the tools again.",
               manifest->version, manifest->name, call->given_tool);
  return FALSE;
}

/* `remade` (taken): NULL, as they came. */
static void
set_form (ColletCall *call, ColletManifest *manifest, const ColletManifestTool *tool, char *remade)
{
  gboolean is_renamed = strcmp (tool->name, call->given_tool) != 0;
  char *former = remade != NULL || is_renamed ? g_strdup (call->checked->version) : NULL;

  collet_call_form_clear (call);
  call->former = former;
  call->former_until = 0;
  call->remade = remade;
  call->arguments = remade != NULL ? remade : call->given;
  call->arguments_size = remade != NULL ? strlen (remade) : call->given_size;
  call->renamed = is_renamed ? g_strdup (tool->name) : NULL;
  call->tool = is_renamed ? call->renamed : call->given_tool;
  call->checked = call->renewed = collet_manifest_ref (manifest);
}

gboolean
collet_call_form_renew (ColletCall *call, ColletManifest *manifest, GError **error)
{
  const ColletManifestTool *tool = collet_manifest_find_tool (manifest, call->given_tool);
  g_autoptr (ColletJson) json = collet_json_parse_borrowed (call->given, call->given_size, error);
  g_autoptr (GError) present = NULL;
  g_autoptr (GError) reason = NULL;
  char *remade = NULL;

  if (json == NULL)
    return FALSE;
  if (tool == NULL)
    tool = collet_manifest_find_former_tool (manifest, call->given_tool);
  if (tool == NULL)
    return refuse_tool (call, manifest, error);
  if (!fits (tool, json, 0, &present))
    {
      remade = take_over (tool, json, 0, &reason);
      if (remade == NULL)
        {
          explain (error, present, call->checked->version, reason);
          return FALSE;
        }
    }
  set_form (call, manifest, tool, remade);
  return TRUE;
}

void
collet_call_form_clear (ColletCall *call)
{
  g_clear_pointer (&call->former, g_free);
  g_clear_pointer (&call->remade, g_free);
  g_clear_pointer (&call->renamed, g_free);
  g_clear_pointer (&call->renewed, collet_manifest_unref);
}

void
collet_call_form_append (GString *out, const ColletCall *call)
{
  if (call->former == NULL)
    return;
  g_string_append (out, ",\"org.collet/former\":{\"version\":");
  collet_json_append_string (out, call->former, -1);
  if (call->former_until > 0)
    {
      g_autoptr (GDateTime) until = g_date_time_new_from_unix_utc (call->former_until / G_USEC_PER_SEC);
      g_autofree char *text = g_date_time_format (until, "%Y-%m-%dT%H:%M:%SZ");

      g_string_append_printf (out, ",\"acceptedUntil\":\"%s\"", text);
    }
  g_string_append_c (out, '}');
}
