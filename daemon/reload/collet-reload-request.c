/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-reload-request.h"

#include <glib/gstdio.h>

#include "collet-json.h"

const char *
collet_reload_kind_to_string (ColletReloadKind kind)
{
  static const char *const names[] = {
    [COLLET_RELOAD_LOAD] = "load",
    [COLLET_RELOAD_HOT_RELOAD] = "hot-reload",
    [COLLET_RELOAD_SWAP] = "swap",
    [COLLET_RELOAD_ROLLBACK] = "rollback",
    [COLLET_RELOAD_UNLOAD] = "unload",
    [COLLET_RELOAD_DRAIN] = "drain",
    [COLLET_RELOAD_RESUME] = "resume",
    [COLLET_RELOAD_SHUTDOWN] = "shutdown",
    [COLLET_RELOAD_ADOPT_STORE] = "adopt-store",
  };

  return names[kind];
}

ColletReloadRequest *
collet_reload_request_new (ColletReloadKind kind, gint64 uid)
{
  ColletReloadRequest *request = g_new0 (ColletReloadRequest, 1);

  request->kind = kind;
  request->uid = uid;
  request->fd = -1;
  request->trial_error_rate = 0.1;
  return request;
}

void
collet_reload_request_free (ColletReloadRequest *request)
{
  g_strfreev (request->sources);
  g_strfreev (request->names);
  if (request->fd >= 0)
    g_close (request->fd, NULL);
  g_free (request->filename);
  g_free (request->module);
  g_strfreev (request->targets);
  g_strfreev (request->expected);
  g_free (request->version);
  g_free (request->expect_source);
  g_free (request->expect_version);
  g_clear_pointer (&request->state, g_bytes_unref);
  g_free (request->host);
  g_free (request->reason);
  g_free (request->reverts);
  g_free (request->id);
  g_free (request->strategy);
  g_strfreev (request->canary_callers);
  g_free (request->decided_by);
  g_clear_pointer (&request->smoke_tests, g_ptr_array_unref);
  g_free (request->smoke_text);
  g_free (request);
}

static void
append_flag (GString *out, const char *name, gboolean is_set)
{
  if (is_set)
    g_string_append_printf (out, "%s\"%s\":true", out->len > 1 ? "," : "", name);
}

static void
append_strings (GString *out, const char *name, GStrv values)
{
  if (values == NULL)
    return;
  g_string_append_printf (out, "%s\"%s\":[", out->len > 1 ? "," : "", name);
  for (guint i = 0; values[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      collet_json_append_string (out, values[i], -1);
    }
  g_string_append_c (out, ']');
}

static void
append_number (GString *out, const char *name, guint number)
{
  if (number > 0)
    g_string_append_printf (out, "%s\"%s\":%u", out->len > 1 ? "," : "", name, number);
}

static void
append_string (GString *out, const char *name, const char *value)
{
  if (value == NULL)
    return;
  g_string_append_printf (out, "%s\"%s\":", out->len > 1 ? "," : "", name);
  collet_json_append_string (out, value, -1);
}

char *
collet_reload_request_to_json (const ColletReloadRequest *request)
{
  static const char *const states[] = {
    [COLLET_STATE_MIGRATE] = NULL, /* the default */
    [COLLET_STATE_GIVEN] = "given", [COLLET_STATE_SNAPSHOT] = "snapshot",
    [COLLET_STATE_AUTO] = "auto",   [COLLET_STATE_DISCARD] = "discard",
  };
  GString *out = g_string_new ("{");

  append_string (out, "module", request->module);
  append_string (out, "filename", request->filename);
  append_string (out, "version", request->version);
  append_string (out, "expect-version", request->expect_version);
  append_string (out, "state", states[request->state_choice]);
  append_string (out, "host", request->host);
  append_flag (out, "allow-breaking", request->allow_breaking);
  if (request->has_grace)
    g_string_append_printf (out, "%s\"grace-ms\":%u", out->len > 1 ? "," : "", request->grace_ms);
  append_flag (out, "force", request->force);
  append_number (out, "drain-timeout-ms", request->drain_timeout_ms);
  append_number (out, "timeout-ms", request->timeout_ms);
  append_number (out, "canary-percent", request->canary_percent);
  append_strings (out, "canary-callers", request->canary_callers);
  append_number (out, "trial-ms", request->trial_ms);
  if (request->trial_ms > 0)
    {
      char rate[G_ASCII_DTOSTR_BUF_SIZE], slowdown[G_ASCII_DTOSTR_BUF_SIZE];

      g_string_append_printf (out, ",\"trial-error-rate\":%s,\"trial-slowdown\":%s",
                              g_ascii_formatd (rate, sizeof rate, "%.6g", request->trial_error_rate),
                              g_ascii_formatd (slowdown, sizeof slowdown, "%.6g", request->trial_slowdown));
    }
  append_number (out, "smoke-tests", request->smoke_tests != NULL ? request->smoke_tests->len : 0);
  append_flag (out, "prepare", request->is_prepare);
  append_number (out, "expiry-ms", request->expiry_ms);
  append_string (out, "decided-by", request->decided_by);
  if (request->sources != NULL && request->sources[0] != NULL)
    {
      g_string_append_printf (out, "%s\"sources\":[", out->len > 1 ? "," : "");
      for (guint i = 0; request->sources[i] != NULL; i++)
        {
          g_autofree char *utf8 = g_filename_display_name (request->sources[i]);

          if (i > 0)
            g_string_append_c (out, ',');
          collet_json_append_string (out, utf8, -1);
        }
      g_string_append_c (out, ']');
    }
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}
