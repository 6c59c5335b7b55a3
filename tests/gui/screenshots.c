/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * screenshots FOLDER VARIANT [--rtl] [--width N]: each screen of the app, with the daemon on the
 * session bus, as FOLDER/VARIANT-SCREEN.png. Fails if one cannot be drawn.
 */
#include <glib/gi18n.h>
#include <locale.h>

#include <adwaita.h>

#include "collet-reload-dialog.h"
#include "collet-window.h"

#define SETTLE_MS 700

static const struct
{
  const char *name, *page, *key;
} screens[] = {
  { "overview", "overview", NULL }, { "module", "module", "calculator" },
  { "tools", "tools", NULL },       { "tool", "tool", "add" },
  { "nodes", "nodes", NULL },       { "reloads", "reloads", NULL },
  { "reload", "reload", NULL },     { "subscriptions", "subscriptions", NULL },
  { "activity", "activity", NULL },
};

static char *folder, *variant, *artifact;
static gboolean is_rtl;
static int width = 1000;
static int status;

static gboolean
on_settled (gpointer flag)
{
  *(gboolean *)flag = TRUE;
  return G_SOURCE_REMOVE;
}

static void
settle (void)
{
  gboolean is_settled = FALSE;

  g_timeout_add (SETTLE_MS, on_settled, &is_settled);
  while (!is_settled)
    g_main_context_iteration (NULL, TRUE);
}

static void
draw (GtkWidget *widget, const char *name)
{
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (widget);
  g_autoptr (GtkSnapshot) snapshot = gtk_snapshot_new ();
  int w = gtk_widget_get_width (widget), h = gtk_widget_get_height (widget);
  g_autofree char *file = g_strdup_printf ("%s-%s.png", variant, name);
  g_autofree char *path = g_build_filename (folder, file, NULL);

  gdk_paintable_snapshot (paintable, snapshot, w, h);
  g_autoptr (GskRenderNode) node = gtk_snapshot_free_to_node (g_steal_pointer (&snapshot));
  GskRenderer *renderer = gtk_native_get_renderer (gtk_widget_get_native (widget));
  g_autoptr (GdkTexture) texture =
      node != NULL
          ? gsk_renderer_render_texture (renderer, node, &GRAPHENE_RECT_INIT (0, 0, (float)w, (float)h))
          : NULL;
  if (texture == NULL || !gdk_texture_save_to_png (texture, path))
    {
      g_printerr ("%s could not be drawn\n", path);
      status = 1;
    }
}

/* The newest reload, which the caller made. */
static char *
find_reload (ColletService *service)
{
  GListModel *reloads = G_LIST_MODEL (collet_service_get_list (service, COLLET_LIST_RELOADS));
  g_autoptr (ColletItem) newest = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (reloads); i++)
    {
      g_autoptr (ColletItem) reload = g_list_model_get_item (reloads, i);
      if (newest == NULL ||
          collet_item_get_int (reload, "StartedAt") > collet_item_get_int (newest, "StartedAt"))
        g_set_object (&newest, reload);
    }
  return newest != NULL ? g_strdup (collet_item_get_key (newest)) : g_strdup ("");
}

static void
on_activate (GtkApplication *app, gpointer user_data)
{
  ColletWindow *window = COLLET_WINDOW (gtk_application_get_active_window (app));
  g_autofree char *reload = NULL;

  gtk_window_set_default_size (GTK_WINDOW (window), width, 720);
  settle ();
  reload = find_reload (collet_window_get_service (window));
  for (guint i = 0; i < G_N_ELEMENTS (screens); i++)
    {
      const char *key = g_str_equal (screens[i].name, "reload") ? reload : screens[i].key;

      collet_window_show (window, screens[i].page, key);
      settle ();
      draw (GTK_WIDGET (window), screens[i].name);
    }
  GtkWidget *dialog = collet_reload_dialog_new (window, "calculator", artifact);
  gtk_window_present (GTK_WINDOW (dialog));
  settle ();
  draw (dialog, "review");
  gtk_window_destroy (GTK_WINDOW (dialog));
  g_application_quit (G_APPLICATION (app));
}

int
main (int argc, char **argv)
{
  const GOptionEntry options[] = {
    { "rtl", 0, 0, G_OPTION_ARG_NONE, &is_rtl, NULL, NULL },
    { "width", 0, 0, G_OPTION_ARG_INT, &width, NULL, NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("FOLDER VARIANT ARTIFACT");

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, NULL) || argc != 4)
    return 2;
  folder = argv[1];
  variant = argv[2];
  artifact = argv[3];
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, g_getenv ("COLLET_LOCALE_DIR"));
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  g_autoptr (ColletApp) app = collet_app_new ();
  adw_init ();
  if (is_rtl)
    gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  g_signal_connect_after (app, "activate", G_CALLBACK (on_activate), NULL);
  g_application_run (G_APPLICATION (app), 1, argv);
  return status;
}
