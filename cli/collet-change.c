/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-change.h"

#include <glib-unix.h>
#include <signal.h>
#include <glib/gi18n.h>

#include "collet-bus.h"
#include "collet-error.h"
#include "collet-follower.h"
#include "collet-progress-bar.h"
#include "collet-reload-view.h"
#include "collet-style.h"

#define PHASE_US 20000 /* between two looks at the phase */

ColletChangeOptions collet_change_options = { .grace_s = -1, .trial_error_rate = -1 };

static void
add_text (GVariantBuilder *builder, const char *name, const char *text)
{
  if (text != NULL)
    g_variant_builder_add (builder, "{sv}", name, g_variant_new_string (text));
}

static void
add_flag (GVariantBuilder *builder, const char *name, gboolean yes)
{
  if (yes)
    g_variant_builder_add (builder, "{sv}", name, g_variant_new_boolean (TRUE));
}

static void
add_seconds (GVariantBuilder *builder, const char *name, double seconds)
{
  if (seconds > 0)
    g_variant_builder_add (builder, "{sv}", name,
                           g_variant_new_uint32 ((guint)MAX (1, MIN (seconds * 1000, G_MAXINT))));
}

static gboolean
add_smoke_tests (GVariantBuilder *builder, GError **error)
{
  const char *file = collet_change_options.smoke_tests;
  g_autofree char *text = NULL;

  if (file == NULL)
    return TRUE;
  if (!g_file_get_contents (file, &text, NULL, error))
    return FALSE;
  if (!g_utf8_validate (text, -1, NULL))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, _ ("%s is not UTF-8"), file);
      return FALSE;
    }
  add_text (builder, "smoke-tests", text);
  return TRUE;
}

gboolean
collet_change_add_options (ColletCtl *ctl, GVariantBuilder *builder, GError **error)
{
  const ColletChangeOptions *options = &collet_change_options;

  add_text (builder, "reason", options->reason);
  add_text (builder, "host", options->host);
  add_text (builder, "expect-version", options->expect_version);
  add_text (builder, "state", options->state);
  add_text (builder, "artifact", options->artifact);
  add_flag (builder, "allow-breaking", options->allow_breaking);
  if (options->grace_s >= 0)
    g_variant_builder_add (builder, "{sv}", "grace-ms",
                           g_variant_new_uint32 ((guint32)MIN (options->grace_s * 1e3, G_MAXUINT32)));
  add_flag (builder, "discard-state", options->discard_state);
  add_seconds (builder, "drain-timeout-ms", options->drain_timeout_s);
  add_seconds (builder, "timeout-ms", ctl->timeout_s);
  if (options->canary_percent != 0)
    g_variant_builder_add (builder, "{sv}", "canary-percent",
                           g_variant_new_uint32 ((guint32)MAX (options->canary_percent, 0)));
  if (options->canary_callers != NULL)
    g_variant_builder_add (builder, "{sv}", "canary-callers",
                           g_variant_new_strv ((const char *const *)options->canary_callers, -1));
  add_seconds (builder, "trial-ms", options->trial_s);
  if (options->trial_error_rate >= 0)
    g_variant_builder_add (builder, "{sv}", "trial-error-rate",
                           g_variant_new_double (options->trial_error_rate));
  if (options->trial_slowdown > 0)
    g_variant_builder_add (builder, "{sv}", "trial-slowdown", g_variant_new_double (options->trial_slowdown));
  return add_smoke_tests (builder, error);
}

/* ---- following ---- */

static void
on_news (const ColletFollowerNews *news, gpointer user_data)
{
  collet_progress_bar_show (user_data, news->progress, news->phase);
}

static gboolean
on_interrupt (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_CONTINUE;
}

/* What became of it, also if it failed. NULL: it could not be learnt. */
static GVariant *
dup_row (ColletCtl *ctl, const char *path)
{
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "GetReload", g_variant_new ("(s)", path), "(a{sv})", NULL);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

static ColletExit
fail (ColletCtl *ctl, const char *path, const GError *error)
{
  g_autoptr (GVariant) row = NULL;
  g_autofree char *id = collet_bus_dup_name (COLLET_BUS_RELOADS, path);

  if (error->domain != COLLET_CLIENT_ERROR)
    row = dup_row (ctl, path);
  ColletExit status = collet_ctl_fail_with (ctl, error, "reload", row);
  if (ctl->json || row == NULL)
    return status;

  g_autoptr (GVariant) items = g_variant_lookup_value (row, "Items", G_VARIANT_TYPE ("aa{sv}"));
  if (items != NULL && g_variant_n_children (items) > 1)
    collet_reload_view_print_outcome (row);
  if (g_str_equal (collet_row_string (row, "State"), "running"))
    g_printerr (_ ("The reload goes on: colletctl reload watch %s, or: colletctl reload cancel %s\n"), id,
                id);
  return status;
}

/* timeout_ms: as of collet_follower_run(). */
static ColletExit
follow (ColletCtl *ctl, const char *path, guint timeout_ms)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  ColletProgressBar bar;

  ColletClient *client = collet_ctl_get_client (ctl, &error);
  if (client == NULL)
    return collet_ctl_fail (ctl, error);

  collet_progress_bar_init (&bar, !ctl->json);
  guint interrupt = g_unix_signal_add (SIGINT, on_interrupt, cancellable);
  g_autoptr (GVariant) result =
      collet_follower_run (client, path, timeout_ms, bar.enabled ? on_news : NULL, &bar, cancellable, &error);
  g_source_remove (interrupt);
  collet_progress_bar_clear (&bar);
  if (result == NULL)
    return fail (ctl, path, error);

  if (ctl->json)
    collet_ctl_print_json ("reload", result);
  else
    collet_reload_view_print_outcome (result);
  return COLLET_EXIT_OK;
}

ColletExit
collet_change_follow (ColletCtl *ctl, const char *path)
{
  return follow (ctl, path, collet_ctl_get_timeout_ms (ctl, 0));
}

/* ---- asking ---- */

static GVariant *
append_options (GVariant *head, GVariant *options)
{
  g_autoptr (GVariant) given = g_variant_ref_sink (head);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_TUPLE);
  for (gsize i = 0; i < g_variant_n_children (given); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (given, i);
      g_variant_builder_add_value (&builder, child);
    }
  g_variant_builder_add_value (&builder, options);
  return g_variant_builder_end (&builder);
}

static void
say_accepted (ColletCtl *ctl, const char *path)
{
  g_autofree char *id = collet_bus_dup_name (COLLET_BUS_RELOADS, path);
  g_autoptr (GVariant) row = NULL;

  if (!ctl->json)
    {
      g_print ("%s\n", id != NULL ? id : path);
      return;
    }
  row = dup_row (ctl, path);
  if (row == NULL)
    row = g_variant_ref_sink (g_variant_new_parsed ("{'Id': <%s>}", id != NULL ? id : path));
  collet_ctl_print_json ("reload", row);
}

static gboolean
is_running (GVariant *row)
{
  return row != NULL && g_str_equal (collet_row_string (row, "State"), "running");
}

/* One that does not come so far is followed to its end, or to that of the time. */
static ColletExit
follow_to_phase (ColletCtl *ctl, const char *path, const char *phase)
{
  guint timeout_ms = collet_ctl_get_timeout_ms (ctl, 0);
  gint64 end = timeout_ms > 0 ? g_get_monotonic_time () + (gint64)timeout_ms * 1000 : G_MAXINT64;
  g_autoptr (GVariant) row = dup_row (ctl, path);

  while (is_running (row) && g_get_monotonic_time () < end)
    {
      if (g_str_equal (collet_row_string (row, "Phase"), phase))
        {
          say_accepted (ctl, path);
          return COLLET_EXIT_OK;
        }
      g_usleep (PHASE_US);
      g_variant_unref (row);
      row = dup_row (ctl, path);
    }
  return follow (ctl, path, timeout_ms > 0 ? (guint)MAX (1, (end - g_get_monotonic_time ()) / 1000) : 0);
}

void
collet_change_add_reason (GVariantBuilder *options)
{
  add_text (options, "reason", collet_change_options.reason);
}

ColletExit
collet_change_run (ColletCtl *ctl, const char *method, GVariant *head)
{
  g_autoptr (GVariant) given = g_variant_ref_sink (head);
  g_autoptr (GError) error = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{sv}"));
  if (!collet_change_add_options (ctl, &builder, &error))
    {
      g_variant_builder_clear (&builder);
      error = collet_error_convert (error);
      return collet_ctl_fail (ctl, error);
    }
  return collet_change_run_with (ctl, method, given, g_variant_builder_end (&builder));
}

ColletExit
collet_change_run_with (ColletCtl *ctl, const char *method, GVariant *head, GVariant *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = collet_ctl_call (ctl, method, append_options (head, options), "(o)", &error);

  return collet_change_take (ctl, reply, error);
}

ColletExit
collet_change_take (ColletCtl *ctl, GVariant *reply, const GError *error)
{
  const char *path;

  if (reply == NULL)
    return collet_ctl_fail (ctl, error);
  g_variant_get (reply, "(&o)", &path);
  if (!collet_change_options.no_wait && collet_change_options.until_phase != NULL)
    return follow_to_phase (ctl, path, collet_change_options.until_phase);
  if (!collet_change_options.no_wait)
    return collet_change_follow (ctl, path);
  say_accepted (ctl, path);
  return COLLET_EXIT_OK;
}
