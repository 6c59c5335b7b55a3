/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * watch.
 */
#include <glib-unix.h>
#include <stdio.h>
#include <glib/gi18n.h>

#include "collet-bus.h"
#include "collet-change.h"
#include "collet-human.h"
#include "collet-style.h"
#include "collet-verb.h"

static gboolean is_stopping;
static gboolean is_detached;

typedef struct
{
  ColletCtl *ctl;
  GMainLoop *loop;
  char *folder;
  gboolean was_there; /* the daemon */
  ColletExit status;
} Watching;

static gboolean
set_watched (Watching *self, gboolean enable, GError **error)
{
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  if (!enable)
    g_variant_builder_add (&options, "{sv}", "enable", g_variant_new_boolean (FALSE));
  if (collet_change_options.host != NULL)
    g_variant_builder_add (&options, "{sv}", "host", g_variant_new_string (collet_change_options.host));
  if (collet_change_options.allow_breaking)
    g_variant_builder_add (&options, "{sv}", "allow-breaking", g_variant_new_boolean (TRUE));
  if (collet_change_options.discard_state)
    g_variant_builder_add (&options, "{sv}", "discard-state", g_variant_new_boolean (TRUE));

  g_autoptr (GVariant) reply =
      collet_ctl_call (self->ctl, "WatchFolder", g_variant_new ("(sa{sv})", self->folder, &options), "()",
                       error);
  return reply != NULL;
}

/* ---- what is told ---- */

static char *
describe_loaded (GVariant *report)
{
  g_autofree char *hash = collet_human_dup_hash (collet_row_string (report, "to"));
  g_autofree char *pause = collet_human_dup_duration (collet_row_int (report, "pause-us"));
  const char *from = collet_row_string (report, "from-version");

  if (*from == '\0')
    return g_strdup_printf ("%s %s (%s)", collet_row_string (report, "module"),
                            collet_row_string (report, "to-version"), hash);
  return g_strdup_printf (_ ("%s %s → %s (%s), calls paused for %s"), collet_row_string (report, "module"),
                          from, collet_row_string (report, "to-version"), hash, pause);
}

static void
print_report (const char *file, GVariant *report)
{
  const char *state = collet_row_string (report, "state");
  const char *name = collet_row_string (report, "error-name");
  gboolean is_loaded = g_str_equal (state, "loaded");
  ColletPaint paint = is_loaded ? COLLET_PAINT_GOOD : *name != '\0' ? COLLET_PAINT_BAD : COLLET_PAINT_WARN;
  g_autofree char *shown = collet_style_dup_safe (*file != '\0' ? file : _ ("the folder"));
  g_autofree char *text = is_loaded ? describe_loaded (report)
                          : *name != '\0'
                              ? g_strdup_printf ("%s: %s", name, collet_row_string (report, "error-message"))
                              : g_strdup (g_str_equal (state, "gone") ? _ ("it is waited for")
                                                                      : _ ("what is in it is looked at"));
  g_autofree char *safe = collet_style_dup_safe (text);

  g_print ("%s: %s%s%s: %s\n", shown, collet_style_begin (paint, FALSE), state,
           collet_style_end (paint, FALSE), safe);
}

static void
print_json (const char *folder, const char *file, GVariant *report)
{
  GVariantDict row;

  g_variant_dict_init (&row, report);
  g_variant_dict_insert (&row, "folder", "s", folder);
  g_variant_dict_insert (&row, "file", "s", file);
  g_autoptr (GVariant) whole = g_variant_ref_sink (g_variant_dict_end (&row));
  collet_ctl_print_json ("report", whole);
}

static void
on_report (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *signal, GVariant *parameters, gpointer data)
{
  Watching *self = data;
  g_autoptr (GVariant) report = NULL;
  const char *folder;
  const char *file;

  g_variant_get (parameters, "(&s&s@a{sv})", &folder, &file, &report);
  if (!g_str_equal (folder, self->folder))
    return;
  if (self->ctl->json)
    print_json (folder, file, report);
  else
    print_report (file, report);
  fflush (stdout);
}

/* ---- the daemon comes and goes ---- */

static void
on_appeared (GDBusConnection *connection, const char *name, const char *owner, gpointer data)
{
  Watching *self = data;
  g_autoptr (GError) error = NULL;

  if (set_watched (self, TRUE, &error))
    {
      if (!self->ctl->json && !self->was_there)
        g_printerr (_ ("Watching %s until interrupted.\n"), self->folder);
      self->was_there = TRUE;
      return;
    }
  if (error->domain == COLLET_CLIENT_ERROR && self->was_there)
    return; /* it is just going again */
  self->status = collet_ctl_fail (self->ctl, error);
  g_main_loop_quit (self->loop);
}

static void
on_vanished (GDBusConnection *connection, const char *name, gpointer data)
{
  if (((Watching *)data)->was_there)
    g_printerr (_ ("The daemon is gone; waiting for it.\n"));
}

static gboolean
on_enough (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_CONTINUE;
}

static void
stay (Watching *self, GDBusConnection *connection)
{
  guint reported =
      g_dbus_connection_signal_subscribe (connection, COLLET_BUS_NAME, "org.collet.Collet1.Manager",
                                          "WatchReport", COLLET_BUS_ROOT, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                          on_report, self, NULL);
  guint watch = g_bus_watch_name_on_connection (connection, COLLET_BUS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                on_appeared, on_vanished, self, NULL);
  guint interrupted = g_unix_signal_add (SIGINT, on_enough, self->loop);
  guint terminated = g_unix_signal_add (SIGTERM, on_enough, self->loop);
  guint limited = self->ctl->timeout_s > 0
                      ? g_timeout_add (collet_ctl_get_timeout_ms (self->ctl, 0), on_enough, self->loop)
                      : 0;

  g_main_loop_run (self->loop);
  g_clear_handle_id (&limited, g_source_remove);
  g_source_remove (interrupted);
  g_source_remove (terminated);
  g_bus_unwatch_name (watch);
  g_dbus_connection_signal_unsubscribe (connection, reported);
}

static ColletExit
run_watch (ColletCtl *ctl, char **arguments)
{
  g_autofree char *folder = g_canonicalize_filename (arguments[0], NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  Watching self = { .ctl = ctl, .loop = loop, .folder = folder };
  ColletClient *client = collet_ctl_get_client (ctl, &error);

  if (client == NULL)
    return collet_ctl_fail (ctl, error);
  if (is_detached || is_stopping)
    {
      if (!set_watched (&self, !is_stopping, &error))
        return collet_ctl_fail (ctl, error);
      if (ctl->json)
        collet_ctl_print_json ("watched", g_variant_new_boolean (!is_stopping));
      else
        g_print ("%s: %s\n", folder, is_stopping ? _ ("not watched any more") : _ ("watched"));
      return COLLET_EXIT_OK;
    }
  stay (&self, collet_client_get_connection (client));
  if (self.was_there)
    set_watched (&self, FALSE, NULL); /* with the daemon its watch is gone as well */
  return self.status;
}

static const GOptionEntry watch_options[] = {
  COLLET_CHANGE_HOST,
  COLLET_CHANGE_BREAKING,
  COLLET_CHANGE_DISCARD,
  { "detach", 0, 0, G_OPTION_ARG_NONE, &is_detached, N_ ("Return at once and leave the daemon watching"),
    NULL },
  { "stop", 0, 0, G_OPTION_ARG_NONE, &is_stopping, N_ ("End what --detach began"), NULL },
  { NULL },
};

const ColletVerb collet_verb_watch = {
  .name = "watch",
  .arguments = "FOLDER",
  .summary = N_ ("Load each finished build of a module in a folder at once"),
  .help = N_ (
      "For tool authors: build, and it serves. A broken build leaves what runs and says why. Half-written\n"
      "files, links and hidden files are not touched. It ends when it is interrupted."),
  .options = watch_options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_watch,
};
