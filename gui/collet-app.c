/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-app.h"

#include <glib/gi18n.h>

#include "collet-activity.h"
#include "collet-gui-config.h"
#include "collet-preferences.h"
#include "collet-window.h"

struct _ColletApp
{
  AdwApplication parent_instance;
  ColletService *service;
  ColletActivity *activity;
  GSettings *settings;
  ColletClientBus bus; /* of the command line; ANY: as the settings say */
};

G_DEFINE_FINAL_TYPE (ColletApp, collet_app, ADW_TYPE_APPLICATION)

/* ---- settings ---- */

static GSettings *
open_settings (void)
{
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema =
      source != NULL ? g_settings_schema_source_lookup (source, COLLET_APPLICATION_ID, TRUE) : NULL;

  /* g_settings_new() would end the program. */
  return schema != NULL ? g_settings_new_full (schema, NULL, NULL) : NULL;
}

static void
apply_colours (ColletApp *self)
{
  g_autofree char *scheme = g_settings_get_string (self->settings, "color-scheme");
  AdwColorScheme value = g_str_equal (scheme, "light")  ? ADW_COLOR_SCHEME_FORCE_LIGHT
                         : g_str_equal (scheme, "dark") ? ADW_COLOR_SCHEME_FORCE_DARK
                                                        : ADW_COLOR_SCHEME_DEFAULT;

  adw_style_manager_set_color_scheme (adw_style_manager_get_default (), value);
}

static ColletClientBus
get_bus (ColletApp *self)
{
  g_autofree char *bus = NULL;

  if (self->bus != COLLET_CLIENT_BUS_ANY || self->settings == NULL)
    return self->bus;
  bus = g_settings_get_string (self->settings, "bus");
  return g_str_equal (bus, "session")  ? COLLET_CLIENT_BUS_SESSION
         : g_str_equal (bus, "system") ? COLLET_CLIENT_BUS_SYSTEM
                                       : COLLET_CLIENT_BUS_ANY;
}

static void
on_bus_setting (ColletApp *self)
{
  collet_service_set_bus (self->service, get_bus (self));
}

/* ---- actions ---- */

static void
show_about (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  const char *developers[] = { "The Collet authors", NULL };

  adw_show_about_window (gtk_application_get_active_window (user_data), "application-name", "Collet",
                         "application-icon", COLLET_APPLICATION_ID, "version", COLLET_VERSION, "comments",
                         _ ("Native tools for agents, replaced while they are being called"), "license-type",
                         GTK_LICENSE_LGPL_2_1, "developer-name", "The Collet authors", "developers",
                         developers, "translator-credits", _ ("translator-credits"), NULL);
}

static void
quit (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_application_quit (user_data);
}

static void
show_preferences (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GtkWidget *preferences = collet_preferences_new (user_data);

  gtk_window_set_transient_for (GTK_WINDOW (preferences), gtk_application_get_active_window (user_data));
  gtk_window_present (GTK_WINDOW (preferences));
}

/* Of a notification: a page, and what it is about; empty for the page itself. */
static void
show_page (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  const char *page, *key;

  g_variant_get (parameter, "(&s&s)", &page, &key);
  g_application_activate (user_data);
  collet_window_show (COLLET_WINDOW (gtk_application_get_active_window (user_data)), page,
                      *key != '\0' ? key : NULL);
}

static const GActionEntry actions[] = {
  { "preferences", show_preferences, NULL, NULL, NULL, { 0 } },
  { "about", show_about, NULL, NULL, NULL, { 0 } },
  { "quit", quit, NULL, NULL, NULL, { 0 } },
  { "show", show_page, "(ss)", NULL, NULL, { 0 } },
};

static const struct
{
  const char *action;
  const char *keys[3];
} shortcuts[] = {
  { "app.quit", { "<Control>q" } },
  { "app.preferences", { "<Control>comma" } },
  { "win.shortcuts", { "<Control>question" } },
  { "window.close", { "<Control>w" } },
  { "win.find", { "<Control>f" } },
  { "win.back", { "<Alt>Left", "Back" } },
  { "win.refresh", { "F5", "<Control>r" } },
  { "win.load", { "<Control>o" } },
  { "win.menu", { "F10" } },
  { "win.undo", { "<Control>z" } },
  { "win.go::overview", { "<Alt>1" } },
  { "win.go::tools", { "<Alt>2" } },
  { "win.go::nodes", { "<Alt>3" } },
  { "win.go::reloads", { "<Alt>4" } },
  { "win.go::subscriptions", { "<Alt>5" } },
  { "win.go::activity", { "<Alt>6" } },
};

/* ---- life ---- */

static void
collet_app_startup (GApplication *application)
{
  ColletApp *self = COLLET_APP (application);

  self->settings = open_settings ();
  /* The daemon answers while GTK starts and the window is made. */
  self->service = collet_service_new (get_bus (self), g_application_get_dbus_connection (application));
  G_APPLICATION_CLASS (collet_app_parent_class)->startup (application);
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  for (guint i = 0; i < G_N_ELEMENTS (shortcuts); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (self), shortcuts[i].action, shortcuts[i].keys);
  if (self->settings != NULL)
    {
      apply_colours (self);
      g_signal_connect_object (self->settings, "changed::color-scheme", G_CALLBACK (apply_colours), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (self->settings, "changed::bus", G_CALLBACK (on_bus_setting), self,
                               G_CONNECT_SWAPPED);
    }
  self->activity = collet_activity_new (self->service, self);
}

static void
collet_app_activate (GApplication *application)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));

  if (window == NULL)
    window = GTK_WINDOW (collet_window_new (COLLET_APP (application)));
  gtk_window_present (window);
}

static void
collet_app_open (GApplication *application, GFile **files, int n_files, const char *hint)
{
  collet_app_activate (application);
  collet_window_open_artifact (
      COLLET_WINDOW (gtk_application_get_active_window (GTK_APPLICATION (application))), files[0]);
}

static int
collet_app_handle_local_options (GApplication *application, GVariantDict *options)
{
  ColletApp *self = COLLET_APP (application);

  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("collet %s\n", COLLET_VERSION);
      return 0;
    }
  if (g_variant_dict_contains (options, "session"))
    self->bus = COLLET_CLIENT_BUS_SESSION;
  else if (g_variant_dict_contains (options, "system"))
    self->bus = COLLET_CLIENT_BUS_SYSTEM;
  return -1;
}

static void
collet_app_dispose (GObject *object)
{
  ColletApp *self = COLLET_APP (object);

  g_clear_object (&self->activity);
  g_clear_object (&self->service);
  g_clear_object (&self->settings);
  G_OBJECT_CLASS (collet_app_parent_class)->dispose (object);
}

static void
collet_app_class_init (ColletAppClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = collet_app_dispose;
  application_class->startup = collet_app_startup;
  application_class->activate = collet_app_activate;
  application_class->open = collet_app_open;
  application_class->handle_local_options = collet_app_handle_local_options;
}

static const GOptionEntry options[] = {
  { "session", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("The daemon on the session bus only"), NULL },
  { "system", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("The daemon on the system bus only"), NULL },
  { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Say the version and end"), NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static void
collet_app_init (ColletApp *self)
{
  g_application_add_main_option_entries (G_APPLICATION (self), options);
  g_application_set_option_context_parameter_string (G_APPLICATION (self), _ ("[MODULE.so]"));
}

ColletApp *
collet_app_new (void)
{
  return g_object_new (COLLET_TYPE_APP, "application-id", COLLET_APPLICATION_ID, "resource-base-path",
                       "/org/collet/Collet", "flags", G_APPLICATION_HANDLES_OPEN, NULL);
}

ColletService *
collet_app_get_service (ColletApp *self)
{
  return self->service;
}

GSettings *
collet_app_get_settings (ColletApp *self)
{
  return self->settings;
}

gboolean
collet_app_get_setting (ColletApp *self, const char *name)
{
  return self->settings != NULL && g_settings_get_boolean (self->settings, name);
}

ColletActivity *
collet_app_get_activity (ColletApp *self)
{
  return self->activity;
}
