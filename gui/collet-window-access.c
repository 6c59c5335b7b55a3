/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What one may change. The daemon is asked when it comes, without a question for a
 * password; what it denies does nothing and says why, until it is unlocked.
 */
#include "collet-window-private.h"

#include <glib/gi18n.h>

/* A permission: a call that needs it and changes nothing, as there is no module
 * without a name; and the actions that need it. */
static const struct
{
  const char *method, *arguments; /* in the text format of GVariant */
  const char *actions[8];
} permissions[] = {
  { "AbortReload",
    "('', '', @a{sv} {})",
    { "win.reload", "win.commit", "win.abort", "win.confirm", "win.cancel-reload" } },
  { "RetainVersion",
    "('', '', false, @a{sv} {})",
    { "win.rollback", "win.revert", "win.retain", "win.release", "win.undo", "win.undo-reload" } },
  { "WatchFolder", "('', {'enable': <false>})", { "win.load", "win.unload" } },
  { "ResumeModule", "('', @a{sv} {})", { "win.drain", "win.resume" } },
  { "PauseRollout",
    "('', @a{sv} {})",
    { "win.cluster-rollback", "win.sync", "win.promote", "win.pause-rollout", "win.resume-rollout",
      "win.clear-override", "win.adopt-store" } },
};

typedef struct
{
  ColletWindow *window; /* a weak reference */
  guint permission;
  gboolean is_unlocking;
} Question;

static void ask (ColletWindow *self, guint permission, gboolean is_unlocking);

static void
show_bar (ColletWindow *self)
{
  gboolean is_shown = self->denied != 0 && collet_service_get_state (self->service) == COLLET_SERVICE_READY;

  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));

  /* Nobody is left on a button that is not there any more. */
  if (!is_shown && focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (self->access_bar)))
    gtk_widget_child_focus (GTK_WIDGET (self->pages), GTK_DIR_TAB_FORWARD);
  gtk_info_bar_set_revealed (self->access_bar, is_shown);
  gtk_widget_set_visible (GTK_WIDGET (self->access_bar), is_shown);
}

static void
apply (ColletWindow *self, guint permission, const GError *error)
{
  self->denied = error != NULL ? self->denied | 1U << permission : self->denied & ~(1U << permission);
  for (const char *const *action = permissions[permission].actions; *action != NULL; action++)
    if (error != NULL)
      collet_window_disable (self, *action, error->message);
    else
      collet_window_enable (self, *action);
  show_bar (self);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Question *question = user_data;
  g_autoptr (GError) error = NULL;
  gboolean may = collet_service_ask_access_finish (result, &error);
  ColletWindow *self = question->window;

  g_clear_weak_pointer (&question->window);
  if (self == NULL || self->service == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  apply (self, question->permission, error);
  if (!question->is_unlocking)
    return;
  if (!may)
    collet_window_toast_refusal (self, NULL, error);
  /* A rule, or a password that is still good, may have let the others in as well. */
  for (guint i = 0; may && i < G_N_ELEMENTS (permissions); i++)
    if ((self->denied & 1U << i) != 0)
      ask (self, i, FALSE);
}

static void
ask (ColletWindow *self, guint permission, gboolean is_unlocking)
{
  Question *question = g_new0 (Question, 1);
  GVariant *arguments = g_variant_new_parsed (permissions[permission].arguments);

  g_set_weak_pointer (&question->window, self);
  question->permission = permission;
  question->is_unlocking = is_unlocking;
  collet_service_ask_access (self->service, permissions[permission].method, arguments, is_unlocking, NULL,
                             on_answer, question);
}

static void
on_state_changed (ColletWindow *self)
{
  gboolean is_ready = collet_service_get_state (self->service) == COLLET_SERVICE_READY;

  for (guint i = 0; is_ready && !self->was_ready && i < G_N_ELEMENTS (permissions); i++)
    ask (self, i, FALSE);
  self->was_ready = is_ready;
  show_bar (self);
}

static void
unlock (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ColletWindow *self = COLLET_WINDOW (widget);

  for (guint i = 0; i < G_N_ELEMENTS (permissions); i++)
    if ((self->denied & 1U << i) != 0)
      {
        ask (self, i, TRUE);
        return;
      }
}

void
collet_window_access_init (ColletWindow *self)
{
  g_signal_connect_object (self->service, "state-changed", G_CALLBACK (on_state_changed), self,
                           G_CONNECT_SWAPPED);
  on_state_changed (self);
}

void
collet_window_access_class_init (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.unlock", NULL, unlock);
}
