/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-window-private.h"

#include <glib/gi18n.h>

#include "collet-rows.h"
#include "collet-text.h"

#define AGE_SECONDS 5

static const char *
get_bus_word (ColletWindow *self)
{
  switch (collet_service_get_bus (self->service))
    {
    case COLLET_CLIENT_BUS_SESSION:
      return _ ("session bus");
    case COLLET_CLIENT_BUS_SYSTEM:
    case COLLET_CLIENT_BUS_ANY: /* where it is, is known by then */
    default:
      return _ ("system bus");
    }
}

/* action: of the button; NULL: none. */
static void
show_bar (ColletWindow *self, GtkMessageType type, const char *text, const char *action, const char *label)
{
  gtk_info_bar_set_revealed (self->bar, text != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->bar), text != NULL);
  if (text == NULL)
    return;
  gtk_info_bar_set_message_type (self->bar, type);
  gtk_label_set_label (self->bar_label, text);
  gtk_widget_set_visible (self->bar_button, action != NULL);
  if (action == NULL)
    return;
  collet_button_set_label (self->bar_button, label);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->bar_button), action);
}

/* What needs somebody: the states that are not as they should be, then the daemon's own words. */
static void
show_warnings (ColletWindow *self)
{
  static const struct
  {
    const char *property, *state, *text;
  } states[] = {
    { "State", "starting", N_ ("The daemon is starting; what it serves may not be complete.") },
    { "State", "stopping", N_ ("The daemon is shutting down.") },
    { "ClusterState", "minority",
      N_ ("This node is cut off from most of the cluster. It serves what it has; nothing can be agreed.") },
    { "ClusterState", "frozen",
      N_ ("The cluster's store went back in time, so nothing is applied until it is adopted.") },
    { "ClusterState", "removed",
      N_ ("Another node took this one out of the cluster. It serves what it has and follows no more.") },
  };
  ColletItem *daemon = collet_service_get_daemon (self->service);
  g_auto (GStrv) warnings = collet_item_dup_strv (daemon, "Warnings");
  g_autoptr (GPtrArray) lines = g_ptr_array_new ();
  gboolean is_frozen = g_str_equal (collet_item_get_string (daemon, "ClusterState"), "frozen");

  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    if (g_str_equal (collet_item_get_string (daemon, states[i].property), states[i].state))
      g_ptr_array_add (lines, (gpointer)_ (states[i].text));
  for (guint i = 0; warnings[i] != NULL; i++)
    g_ptr_array_add (lines, warnings[i]);
  g_ptr_array_add (lines, NULL);
  g_autofree char *text = g_strjoinv ("\n", (char **)lines->pdata);
  show_bar (self, GTK_MESSAGE_WARNING, *text != '\0' ? text : NULL, is_frozen ? "win.adopt-store" : NULL,
            _ ("_Adopt It…"));
}

static void
show_stale (ColletWindow *self, const char *why, GtkMessageType type)
{
  g_autofree char *ago = collet_text_dup_ago (collet_service_get_stale_since (self->service));
  /* Translators: why there is nothing new, then how long ago it was true */
  g_autofree char *text = g_strdup_printf (_ ("%s What you see was true %s."), why, ago);

  show_bar (self, type, text, "win.refresh", _ ("Try _Again"));
}

static void
update (ColletWindow *self)
{
  ColletItem *daemon = collet_service_get_daemon (self->service);
  ColletServiceState state = collet_service_get_state (self->service);
  gboolean has_data = collet_service_has_data (self->service);
  g_autofree char *text = NULL;

  switch (state)
    {
    case COLLET_SERVICE_READY:
      /* Translators: a node's name, and the bus on which it is */
      text = g_strdup_printf (_ ("%s on the %s"), collet_item_get_string (daemon, "NodeName"),
                              get_bus_word (self));
      collet_status_set (self->daemon_status, COLLET_STATUS_OK, text);
      show_warnings (self);
      break;
    case COLLET_SERVICE_CONNECTING:
      collet_status_set (self->daemon_status, COLLET_STATUS_BUSY, _ ("Connecting"));
      break;
    case COLLET_SERVICE_DOWN:
      text = collet_service_get_bus (self->service) == COLLET_CLIENT_BUS_ANY
                 ? g_strdup (_ ("No daemon on either bus"))
                 : g_strdup_printf (_ ("No daemon on the %s"), get_bus_word (self));
      collet_status_set (self->daemon_status, COLLET_STATUS_OFFLINE, text);
      if (has_data)
        show_stale (self, _ ("The daemon is gone; it is awaited."), GTK_MESSAGE_WARNING);
      break;
    case COLLET_SERVICE_UNAUTHORISED:
      collet_status_set (self->daemon_status, COLLET_STATUS_BROKEN, _ ("Not allowed"));
      if (has_data)
        show_stale (self, _ ("The daemon does not let you look any more."), GTK_MESSAGE_WARNING);
      break;
    case COLLET_SERVICE_OLDER:
      collet_status_set (self->daemon_status, COLLET_STATUS_ATTENTION,
                         _ ("The daemon is older than this app"));
      if (has_data)
        show_stale (self, _ ("The daemon that is there now is older than this app."), GTK_MESSAGE_WARNING);
      break;
    case COLLET_SERVICE_FAILED:
    default:
      collet_status_set (self->daemon_status, COLLET_STATUS_BROKEN, _ ("The daemon could not be read"));
      if (has_data)
        show_stale (self, _ ("The daemon could not be read."), GTK_MESSAGE_ERROR);
      break;
    }
  if (!has_data && state != COLLET_SERVICE_READY)
    show_bar (self, GTK_MESSAGE_INFO, NULL, NULL, NULL);
  if (collet_service_get_stale_since (self->service) != 0)
    gtk_widget_add_css_class (GTK_WIDGET (self->pages), "stale");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->pages), "stale");
}

static void
on_state_changed (ColletWindow *self)
{
  update (self);
  if (collet_service_get_state (self->service) == COLLET_SERVICE_READY && self->page != NULL)
    collet_page_refresh (self->page);
}

static gboolean
on_age (gpointer user_data)
{
  ColletWindow *self = user_data;

  if (collet_service_get_stale_since (self->service) != 0)
    update (self);
  return G_SOURCE_CONTINUE;
}

void
collet_window_status_init (ColletWindow *self)
{
  g_signal_connect_object (self->service, "state-changed", G_CALLBACK (on_state_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (collet_service_get_daemon (self->service), "notify::revision", G_CALLBACK (update),
                           self, G_CONNECT_SWAPPED);
  self->age_timer = g_timeout_add_seconds (AGE_SECONDS, on_age, self);
  update (self);
}
