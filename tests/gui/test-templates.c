/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every template is made once, for what its builder finds out only then: a child
 * that has another name, a signal without a handler, a property that is not there.
 */
#include <adwaita.h>

#include "collet-module-page.h"
#include "collet-overview-page.h"
#include "collet-preferences.h"
#include "collet-reload-dialog.h"
#include "collet-reload-options.h"
#include "collet-reload-page.h"
#include "collet-reloads-page.h"
#include "collet-table.h"
#include "collet-tool-page.h"
#include "collet-window.h"

static void
test_made (gconstpointer data)
{
  GType (*get_type) (void) = data;
  g_autoptr (GtkWidget) widget = g_object_ref_sink (g_object_new (get_type (), NULL));

  g_assert_nonnull (gtk_widget_get_first_child (widget));
  if (GTK_IS_WINDOW (widget))
    gtk_window_destroy (GTK_WINDOW (widget));
}

static void
test_shortcuts (void)
{
  g_autoptr (GtkBuilder) builder = gtk_builder_new_from_resource ("/org/collet/Collet/collet-shortcuts.ui");
  GObject *window = gtk_builder_get_object (builder, "shortcuts");

  g_assert_true (GTK_IS_SHORTCUTS_WINDOW (window));
  gtk_window_destroy (GTK_WINDOW (window));
}

static void
add_keys (GHashTable *keys, const char *const *accelerators)
{
  for (guint i = 0; accelerators[i] != NULL; i++)
    {
      GdkModifierType modifiers;
      guint key;

      g_assert_true (gtk_accelerator_parse (accelerators[i], &key, &modifiers));
      g_hash_table_add (keys, gtk_accelerator_name (key, modifiers));
    }
}

static void
assert_all_in (GHashTable *some, GHashTable *others)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, some);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (!g_hash_table_contains (others, key))
      g_error ("%s is in one of the two alone: the app and its list of shortcuts", (char *)key);
}

/* The list says every key that the app has, and no other. */
static void
test_keys (void)
{
  g_autoptr (GHashTable) listed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GtkBuilder) builder = gtk_builder_new_from_resource ("/org/collet/Collet/collet-shortcuts.ui");
  g_autoptr (ColletApp) app = collet_app_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (g_application_register (G_APPLICATION (app), NULL, &error));
  g_assert_no_error (error);
  g_auto (GStrv) actions = gtk_application_list_action_descriptions (GTK_APPLICATION (app));
  for (guint i = 0; actions[i] != NULL; i++)
    {
      g_auto (GStrv) keys = gtk_application_get_accels_for_action (GTK_APPLICATION (app), actions[i]);
      add_keys (known, (const char *const *)keys);
    }
  g_autoptr (GSList) objects = gtk_builder_get_objects (builder);
  for (GSList *object = objects; object != NULL; object = object->next)
    if (GTK_IS_SHORTCUTS_SHORTCUT (object->data))
      {
        g_autofree char *text = NULL;
        g_object_get (object->data, "accelerator", &text, NULL);
        g_auto (GStrv) keys = g_strsplit (text, " ", -1);
        add_keys (listed, (const char *const *)keys);
      }
  g_assert_cmpuint (g_hash_table_size (known), >, 10);
  assert_all_in (known, listed);
  assert_all_in (listed, known);
  gtk_window_destroy (GTK_WINDOW (gtk_builder_get_object (builder, "shortcuts")));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    GType (*get_type) (void);
  } templates[] = {
    { "/gui/template/window", collet_window_get_type },
    { "/gui/template/overview", collet_overview_page_get_type },
    { "/gui/template/module", collet_module_page_get_type },
    { "/gui/template/reload", collet_reload_page_get_type },
    { "/gui/template/reloads", collet_reloads_page_get_type },
    { "/gui/template/tool", collet_tool_page_get_type },
    { "/gui/template/table", collet_table_get_type },
    { "/gui/template/preferences", collet_preferences_get_type },
    { "/gui/template/reload-dialog", collet_reload_dialog_get_type },
    { "/gui/template/reload-options", collet_reload_options_get_type },
  };

  g_test_init (&argc, &argv, NULL);
  adw_init ();
  for (guint i = 0; i < G_N_ELEMENTS (templates); i++)
    g_test_add_data_func (templates[i].name, templates[i].get_type, test_made);
  g_test_add_func ("/gui/template/shortcuts", test_shortcuts);
  g_test_add_func ("/gui/template/shortcuts/are-all-there-are", test_keys);
  return g_test_run ();
}
