/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-gui-bench [SECONDS]: opens the app's window on the daemon of the session
 * bus, scrolls its overview from end to end for some seconds, and says as a line of
 * JSON how long it took from its start until the window was made, until the data was
 * there, and until the first frame with it was painted; how long frames took; and what
 * the process needs of memory. Run it with tests/gui/run-gui.sh; see bench/gui.
 */
#include <adwaita.h>

#include "collet-window.h"

typedef struct
{
  gint64 started, has_window, has_data, first_paint, frame_began;
  GArray *frames; /* gint64, µs */
  GtkAdjustment *adjustment;
  double step;
  gint64 ends;
} Bench;

static Bench bench;
static double seconds = 5;

static GtkWidget *
find_view (GtkWidget *widget)
{
  if (GTK_IS_SCROLLED_WINDOW (widget) && gtk_widget_get_mapped (widget) &&
      GTK_IS_COLUMN_VIEW (gtk_scrolled_window_get_child (GTK_SCROLLED_WINDOW (widget))))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_view (child);
      if (found != NULL)
        return found;
    }
  return NULL;
}

static gint64
get_memory (const char *name)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL) || (line = strstr (text, name)) == NULL)
    return 0;
  return g_ascii_strtoll (line + strlen (name), NULL, 10);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;

  return left < right ? -1 : left > right;
}

static void
report (void)
{
  gint64 *frames = (gint64 *)(void *)bench.frames->data;
  guint n = bench.frames->len;

  g_array_sort (bench.frames, compare);
  g_print ("{\"window_ms\": %.1f, \"data_ms\": %.1f, \"first_paint_ms\": %.1f, \"frames\": %u, "
           "\"frame_median_ms\": %.1f, "
           "\"frame_p99_ms\": %.1f, "
           "\"frame_longest_ms\": %.1f, \"resident_mb\": %.1f, \"anonymous_mb\": %.1f}\n",
           (double)(bench.has_window - bench.started) / 1000, (double)(bench.has_data - bench.started) / 1000,
           (double)(bench.first_paint - bench.started) / 1000, n, n > 0 ? (double)frames[n / 2] / 1000 : 0,
           n > 0 ? (double)frames[n * 99 / 100] / 1000 : 0, n > 0 ? (double)frames[n - 1] / 1000 : 0,
           (double)get_memory ("VmRSS:") / 1024, (double)get_memory ("RssAnon:") / 1024);
}

static gboolean
on_tick (GtkWidget *widget, GdkFrameClock *clock, gpointer app)
{
  GtkAdjustment *adjustment = bench.adjustment;

  if (bench.first_paint == 0)
    return G_SOURCE_CONTINUE;
  if (g_get_monotonic_time () > bench.ends)
    {
      report ();
      g_application_quit (app);
      return G_SOURCE_REMOVE;
    }
  double value = gtk_adjustment_get_value (adjustment) + bench.step;
  double end = gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment);
  if (value < 0 || value > end)
    bench.step = -bench.step;
  gtk_adjustment_set_value (adjustment, CLAMP (value, 0, end));
  return G_SOURCE_CONTINUE;
}

static void
on_matrix (GListModel *matrix)
{
  if (bench.has_data == 0 && g_list_model_get_n_items (matrix) > 0)
    bench.has_data = g_get_monotonic_time ();
}

static void
on_before (GdkFrameClock *clock, gpointer window)
{
  bench.frame_began = g_get_monotonic_time ();
}

static void
on_after (GdkFrameClock *clock, gpointer window)
{
  gint64 now = g_get_monotonic_time ();
  GtkWidget *view;

  if (bench.first_paint != 0)
    {
      gint64 took = now - bench.frame_began;
      g_array_append_val (bench.frames, took);
      return;
    }
  if (bench.has_data == 0 || (view = find_view (window)) == NULL)
    return;
  bench.first_paint = now;
  bench.adjustment = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (view));
  bench.step = 37;
  bench.ends = now + (gint64)(seconds * G_USEC_PER_SEC);
}

static void
on_activate (GtkApplication *app, gpointer user_data)
{
  GtkWidget *window = GTK_WIDGET (gtk_application_get_active_window (app));
  GdkFrameClock *clock = gtk_widget_get_frame_clock (window);

  bench.has_window = g_get_monotonic_time ();
  g_signal_connect (clock, "before-paint", G_CALLBACK (on_before), window);
  g_signal_connect (clock, "after-paint", G_CALLBACK (on_after), window);
  g_signal_connect (collet_service_get_matrix (collet_window_get_service (COLLET_WINDOW (window))),
                    "items-changed", G_CALLBACK (on_matrix), NULL);
  gtk_widget_add_tick_callback (window, on_tick, app, NULL);
}

int
main (int argc, char **argv)
{
  bench.started = g_get_monotonic_time ();
  bench.frames = g_array_new (FALSE, FALSE, sizeof (gint64));
  if (argc > 1)
    seconds = g_ascii_strtod (argv[1], NULL);

  g_autoptr (ColletApp) app = collet_app_new ();
  g_signal_connect_after (app, "activate", G_CALLBACK (on_activate), NULL);
  g_application_run (G_APPLICATION (app), 1, argv);
  return bench.first_paint == 0;
}
