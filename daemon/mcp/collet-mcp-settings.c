/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-server-private.h"

static void
set_default (guint *value, guint fallback)
{
  if (*value == 0)
    *value = fallback;
}

ColletMcpSettings *
collet_mcp_settings_new (const ColletMcpLimits *limits, ColletMcpAccess *access)
{
  ColletMcpSettings *settings = g_new0 (ColletMcpSettings, 1);
  ColletMcpLimits *filled = &settings->limits;

  *filled = *limits;
  set_default (&filled->max_sessions, 10000);
  set_default (&filled->session_idle_s, 1800);
  set_default (&filled->max_calls, 4096);
  set_default (&filled->max_calls_per_session, 256);
  set_default (&filled->call_timeout_ms, 60000);
  set_default (&filled->input_timeout_ms, 15 * 60 * 1000);
  set_default (&filled->page_size, 1000);
  set_default (&filled->list_ttl_ms, 5000);
  set_default (&filled->max_depth, COLLET_JSON_MAX_DEPTH);
  settings->access = access ? access : collet_mcp_access_new (NULL, 0);
  return settings;
}

void
collet_mcp_settings_free (gpointer data)
{
  ColletMcpSettings *settings = data;

  collet_mcp_access_free (settings->access);
  g_free (settings);
}

void
collet_mcp_server_configure (ColletMcpServer *server, const ColletMcpLimits *limits, ColletMcpAccess *access)
{
  ColletMcpSettings *former = server->settings;
  ColletMcpSettings *settings = collet_mcp_settings_new (limits, access);

  g_atomic_pointer_set (&server->settings, settings);
  server->former_settings = g_slist_prepend (server->former_settings, former);
  collet_mcp_sessions_set_limits (server->sessions, settings->limits.max_sessions,
                                  (gint64)settings->limits.session_idle_s * G_USEC_PER_SEC);
}
