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
  g_autoptr (GtkBuilder) builder = gtk_builder_new_from_resource ("/org/collet/Collet/gtk/help-overlay.ui");
  GObject *window = gtk_builder_get_object (builder, "help_overlay");

  g_assert_true (GTK_IS_SHORTCUTS_WINDOW (window));
  gtk_window_destroy (GTK_WINDOW (window));
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
  return g_test_run ();
}
