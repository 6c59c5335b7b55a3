/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bus-request.h"

#include "collet-error.h"
#include "collet-smoke-test.h"
#include "collet-version.h"

ColletReloadRequest *
collet_bus_request_new_hot_reload (gint64 uid, const char *module, GVariant *options)
{
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_HOT_RELOAD, uid);
  const char *artifact = module;
  const char *sources[] = { NULL, NULL };

  g_variant_lookup (options, "artifact", "&s", &artifact);
  if (!g_path_is_absolute (module))
    request->module = g_strdup (module);
  sources[0] = artifact;
  request->sources = g_strdupv ((GStrv)sources);
  return request;
}

static gboolean
apply_state (ColletReloadRequest *request, GVariant *options, GError **error)
{
  g_autoptr (GVariant) bytes = g_variant_lookup_value (options, "state", G_VARIANT_TYPE_BYTESTRING);
  const char *choice = NULL;
  gboolean discard = FALSE;

  g_variant_lookup (options, "discard-state", "b", &discard);
  if (discard)
    request->state_choice = COLLET_STATE_DISCARD;
  if (bytes != NULL)
    {
      request->state = g_variant_get_data_as_bytes (bytes);
      request->state_choice = COLLET_STATE_GIVEN;
    }
  if (discard && bytes != NULL)
    {
      g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                           "\"state\" and \"discard-state\" contradict each other; give one of them.");
      return FALSE;
    }
  if (bytes != NULL || !g_variant_lookup (options, "state", "&s", &choice))
    return TRUE;

  if (g_str_equal (choice, "auto"))
    request->state_choice = COLLET_STATE_AUTO;
  else if (g_str_equal (choice, "migrate"))
    request->state_choice = COLLET_STATE_MIGRATE;
  else if (g_str_equal (choice, "snapshot"))
    request->state_choice = COLLET_STATE_SNAPSHOT;
  else if (g_str_equal (choice, "discard"))
    request->state_choice = COLLET_STATE_DISCARD;
  else
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "\"state\" is \"%s\"; it can be \"auto\", \"migrate\", \"snapshot\" or \"discard\".",
                   choice);
      return FALSE;
    }
  return TRUE;
}

static gboolean
apply_trial (ColletReloadRequest *request, GVariant *options, GError **error)
{
  g_variant_lookup (options, "trial-ms", "u", &request->trial_ms);
  g_variant_lookup (options, "trial-error-rate", "d", &request->trial_error_rate);
  g_variant_lookup (options, "trial-slowdown", "d", &request->trial_slowdown);
  if (!(request->trial_error_rate >= 0 && request->trial_error_rate <= 1))
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                 "\"trial-error-rate\" is %g; it is a part of all calls, from 0 to 1.",
                 request->trial_error_rate);
  else if (request->trial_slowdown != 0 && !(request->trial_slowdown >= 1 && request->trial_slowdown <= 1e6))
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                 "\"trial-slowdown\" is %g; it is how many times as long calls may take, 1 or more.",
                 request->trial_slowdown);
  else
    return TRUE;
  return FALSE;
}

static gboolean
apply_canary (ColletReloadRequest *request, GVariant *options, GError **error)
{
  g_variant_lookup (options, "canary-percent", "u", &request->canary_percent);
  g_variant_lookup (options, "canary-callers", "^as", &request->canary_callers);
  if (request->canary_callers != NULL && request->canary_callers[0] == NULL)
    g_clear_pointer (&request->canary_callers, g_strfreev);
  if (request->canary_percent > 100)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "\"canary-percent\" is %u; it can be 0 to 100.", request->canary_percent);
      return FALSE;
    }
  if (request->canary_callers != NULL && g_strv_length (request->canary_callers) > 1024)
    {
      g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                           "\"canary-callers\" has more than 1024 names; give a percentage instead.");
      return FALSE;
    }
  if (collet_reload_request_has_canary (request))
    request->is_prepare = TRUE; /* until there is word */
  return TRUE;
}

static gboolean
check_values (const ColletReloadRequest *request, GError **error)
{
  if (request->host != NULL && !g_str_equal (request->host, "worker") &&
      !g_str_equal (request->host, "in-process"))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "\"host\" is \"%s\"; it can be \"worker\" or \"in-process\".", request->host);
      return FALSE;
    }
  if (request->expect_version != NULL && !collet_version_is_selector (request->expect_version))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "\"expect-version\" is \"%s\"; give a SHA-256, a prefix of at least 6 digits, or an MD5.",
                   request->expect_version);
      return FALSE;
    }
  return TRUE;
}

gboolean
collet_bus_request_apply (ColletReloadRequest *request, GVariant *options, GError **error)
{
  if (!apply_state (request, options, error) || !apply_trial (request, options, error) ||
      !apply_canary (request, options, error))
    return FALSE;

  g_variant_lookup (options, "smoke-tests", "s", &request->smoke_text);
  if (request->smoke_text != NULL)
    {
      request->smoke_tests = collet_smoke_tests_parse (request->smoke_text, error);
      if (request->smoke_tests == NULL)
        {
          g_prefix_error (error, "\"smoke-tests\": ");
          return FALSE;
        }
    }
  g_variant_lookup (options, "reason", "s", &request->reason);
  g_variant_lookup (options, "host", "s", &request->host);
  g_variant_lookup (options, "expect-version", "s", &request->expect_version);
  g_variant_lookup (options, "allow-breaking", "b", &request->allow_breaking);
  request->has_grace = g_variant_lookup (options, "grace-ms", "u", &request->grace_ms);
  g_variant_lookup (options, "force", "b", &request->force);
  g_variant_lookup (options, "drain-timeout-ms", "u", &request->drain_timeout_ms);
  g_variant_lookup (options, "timeout-ms", "u", &request->timeout_ms);
  return check_values (request, error);
}
