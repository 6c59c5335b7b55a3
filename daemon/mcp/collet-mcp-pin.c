/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-pin.c: clients that ask for a version of a tool's module. */
#include "collet-mcp-call-private.h"

#include <string.h>

#define PIN_HEADER "Collet-Version"
#define PIN_META "org.collet/version"
#define PIN_MAX 256 /* bytes */

static gboolean
refuse (const ColletMcpTurn *turn, const ColletToolEntry *entry, const GError *error)
{
  collet_mcp_metrics_count_call (turn->server->metrics, entry->name, NULL, TRUE, 0);
  collet_mcp_reply_json (&turn->reply, 200,
                         collet_mcp_error_new_for (turn->request.id, turn->request.id_size, NULL, error));
  return FALSE;
}

/* *text: NULL if there is no wish. FALSE: answered. */
static gboolean
read_wish (const ColletMcpTurn *turn, char **text)
{
  const ColletMcpRequest *request = &turn->request;
  const char *header = collet_mcp_turn_get_header (turn, PIN_HEADER);
  ColletJsonNode node = request->meta ? collet_json_member (request->json, request->meta, PIN_META) : 0;

  if (node == 0 && !header)
    return TRUE;
  *text = node != 0 ? collet_json_dup_string (request->json, node) : g_strstrip (g_strdup (header));
  if (!*text || **text == '\0' || strlen (*text) > PIN_MAX)
    {
      collet_mcp_turn_fail (turn, 200, COLLET_MCP_INVALID_PARAMS,
                            "A version is asked for by a semantic version, an MD5, or a SHA-256 or its first "
                            "digits, at least 6 of them.",
                            "{\"reason\":\"InvalidArgument\"}");
      return FALSE;
    }
  if (node != 0 && header)
    {
      g_autofree char *other = g_strstrip (g_strdup (header));

      if (strcmp (*text, other) != 0)
        {
          collet_mcp_turn_fail (turn, 400, COLLET_MCP_HEADER_MISMATCH,
                                "The header " PIN_HEADER " and params._meta[\"" PIN_META "\"] disagree.",
                                NULL);
          return FALSE;
        }
    }
  return TRUE;
}

/* The entry as it would be if that version were published. */
static ColletToolEntry *
make_entry (const ColletToolEntry *entry, ColletVersion *version, ColletManifest *manifest,
            const ColletManifestTool *tool)
{
  ColletToolEntry *pinned = g_new0 (ColletToolEntry, 1);

  pinned->name = g_strdup (entry->name);
  pinned->module_tool = g_strdup (entry->module_tool);
  pinned->module = g_strdup (entry->module);
  pinned->version = collet_version_ref (version);
  pinned->manifest = collet_manifest_ref (manifest);
  pinned->tool = tool;
  pinned->target = collet_call_target_ref (entry->target);
  pinned->counter = entry->counter ? collet_tool_counter_ref (entry->counter) : NULL;
  pinned->call_timeout_ms = manifest->call_timeout_ms;
  pinned->json = g_strdup (tool->json);
  pinned->json_size = strlen (tool->json);
  return pinned;
}

gboolean
collet_mcp_pin_read (ColletMcpTurn *turn, const ColletToolEntry *entry, ColletToolEntry **pinned)
{
  g_autofree char *text = NULL;
  g_autoptr (ColletManifest) manifest = NULL;
  g_autoptr (ColletVersion) version = NULL;
  g_autoptr (GError) error = NULL;
  const ColletManifestTool *tool;

  if (!read_wish (turn, &text))
    return FALSE;
  if (!text)
    return TRUE;
  version = collet_call_target_find_version (entry->target, text, &manifest, &error);
  if (!version)
    return refuse (turn, entry, error);
  tool = collet_manifest_find_tool (manifest, entry->module_tool);
  if (!tool)
    {
      g_set_error (&error, COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH,
                   "The version %s of %s has no tool \"%s\". Ask for another version.", version->semver,
                   entry->module, entry->module_tool);
      return refuse (turn, entry, error);
    }
  *pinned = make_entry (entry, version, manifest, tool);
  return TRUE;
}
