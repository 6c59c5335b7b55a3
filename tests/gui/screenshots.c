/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * screenshots FOLDER VARIANT ARTIFACT [--rtl] [--width N] [--text-scale X]: each screen and dialog
 * of the app, with the daemon on the session bus, as FOLDER/VARIANT-SCREEN.png. Fails if one cannot
 * be drawn.
 */
#include <glib/gi18n.h>
#include <locale.h>

#include <adwaita.h>

#include "collet-preferences.h"
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
static double text_scale = 1;
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

/* What it looks like; on a busy machine it takes a while until it looks like anything. */
static GskRenderNode *
snapshot_of (GtkWidget *widget)
{
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (widget);
  GskRenderNode *node = NULL;

  for (int i = 0; node == NULL && i < 20; i++)
    {
      GtkSnapshot *snapshot = gtk_snapshot_new ();

      gdk_paintable_snapshot (paintable, snapshot, gtk_widget_get_width (widget),
                              gtk_widget_get_height (widget));
      node = gtk_snapshot_free_to_node (snapshot);
      if (node == NULL)
        settle ();
    }
  return node;
}

static void
draw (GtkWidget *widget, const char *name)
{
  g_autoptr (GskRenderNode) node = snapshot_of (widget);
  int w = gtk_widget_get_width (widget), h = gtk_widget_get_height (widget);
  g_autofree char *file = g_strdup_printf ("%s-%s.png", variant, name);
  g_autofree char *path = g_build_filename (folder, file, NULL);

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
draw_dialog (GtkWidget *dialog, const char *name)
{
  int natural, height;

  gtk_window_get_default_size (GTK_WINDOW (dialog), &natural, &height);
  if (natural > width)
    gtk_window_set_default_size (GTK_WINDOW (dialog), width, height);
  gtk_window_present (GTK_WINDOW (dialog));
  settle ();
  draw (dialog, name);
  gtk_window_destroy (GTK_WINDOW (dialog));
  settle ();
}

/* What an action of the window opens. target: consumed if floating. */
static void
draw_opened (ColletWindow *window, const char *action, GVariant *target, const char *name)
{
  gtk_widget_activate_action_variant (GTK_WIDGET (window), action, target);
  settle ();
  for (guint i = 0; i < g_list_model_get_n_items (gtk_window_get_toplevels ()); i++)
    {
      g_autoptr (GtkWidget) opened = g_list_model_get_item (gtk_window_get_toplevels (), i);

      if (opened == GTK_WIDGET (window) || !gtk_widget_get_mapped (opened))
        continue;
      draw (opened, name);
      gtk_window_close (GTK_WINDOW (opened));
      settle ();
      return;
    }
  g_printerr ("%s opened nothing\n", action);
  status = 1;
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
  draw_dialog (collet_reload_dialog_new (window, "calculator", artifact), "review");
  draw_dialog (collet_preferences_new (COLLET_APP (app)), "preferences");
  draw_opened (window, "win.shortcuts", NULL, "shortcuts");
  draw_opened (window, "win.rollback", g_variant_new ("(ss)", "calculator", ""), "rollback");
  draw_opened (window, "win.drain", g_variant_new_string ("calculator"), "drain");
  g_application_quit (G_APPLICATION (app));
}

int
main (int argc, char **argv)
{
  const GOptionEntry options[] = {
    { "rtl", 0, 0, G_OPTION_ARG_NONE, &is_rtl, NULL, NULL },
    { "width", 0, 0, G_OPTION_ARG_INT, &width, NULL, NULL },
    { "text-scale", 0, 0, G_OPTION_ARG_DOUBLE, &text_scale, NULL, NULL },
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
  g_object_set (gtk_settings_get_default (), "gtk-xft-dpi", (int)(96 * 1024 * text_scale), NULL);
  if (is_rtl)
    gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  g_signal_connect_after (app, "activate", G_CALLBACK (on_activate), NULL);
  g_application_run (G_APPLICATION (app), 1, argv);
  return status;
}
