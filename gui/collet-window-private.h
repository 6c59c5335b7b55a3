/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-window-private.h: what the files of the window share.
 */
#pragma once

#include "collet-page.h"
#include "collet-status.h"
#include "collet-window.h"

G_BEGIN_DECLS

struct _ColletWindow
{
  AdwApplicationWindow parent_instance;
  ColletService *service;
  AdwToastOverlay *toasts;
  AdwToast *toast; /* a weak reference: the last, unless it told of an error */
  AdwLeaflet *leaflet;
  GtkWidget *sidebar, *content, *back, *menu;
  GtkListBox *places;
  ColletStatus *daemon_status;
  AdwWindowTitle *title;
  GtkInfoBar *bar;
  GtkLabel *bar_label;
  GtkWidget *bar_button;
  GtkInfoBar *access_bar;
  guint denied; /* bits: of the table of permissions */
  gboolean was_ready;
  GtkStack *pages;
  ColletPage *page; /* the one that is shown */
  GPtrArray *way;   /* Place: where Back goes, the last first to go */
  guint age_timer;
  GHashTable *followed; /* ids of reloads that were begun here and have not ended */
  char *last_change;    /* id of the last that did, for undo */
  GHashTable *reasons;  /* action → why the daemon does not offer it */
};

/* collet-window-pages.c: where one is. */
void collet_window_pages_init (ColletWindow *self);
void collet_window_pages_class_init (GtkWidgetClass *widget_class);
void collet_window_on_place_activated (ColletWindow *self, GtkListBoxRow *row);

/* collet-window-status.c: what there is to say of the daemon. */
void collet_window_status_init (ColletWindow *self);

/* collet-window-access.c: what one may change. */
void collet_window_access_init (ColletWindow *self);
void collet_window_access_class_init (GtkWidgetClass *widget_class);

/* collet-window-actions.c: what changes something. */
void collet_window_actions_class_init (GtkWidgetClass *widget_class);
/* Shows a reload that was begun here, by its path, and tells of its end. */
void collet_window_follow (ColletWindow *self, const char *path);
void collet_window_on_reload_finished (ColletWindow *self, const char *path, gboolean success,
                                       const char *name, const char *message);
/* A change was refused. module: of what; may be NULL. */
void collet_window_toast_refusal (ColletWindow *self, const char *module, const GError *error);
/* The daemon does not offer it, or does not allow it; until it is enabled, or
 * another daemon comes. */
void collet_window_disable (ColletWindow *self, const char *action, const char *reason);
void collet_window_enable (ColletWindow *self, const char *action);

/* collet-window-artifact.c: how the file of a module comes to us. */
void collet_window_artifact_init (ColletWindow *self);
void collet_window_artifact_class_init (GtkWidgetClass *widget_class);

G_END_DECLS
