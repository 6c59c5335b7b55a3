/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-window.h: the window: where one is, and what the daemon is doing.
 * Everything that changes something is an action of it ("win.…"), so that menus,
 * buttons, keys and toasts do the same.
 */
#pragma once

#include <adwaita.h>

#include "collet-app.h"

G_BEGIN_DECLS

#define COLLET_TYPE_WINDOW (collet_window_get_type ())
G_DECLARE_FINAL_TYPE (ColletWindow, collet_window, COLLET, WINDOW, AdwApplicationWindow)

ColletWindow *collet_window_new (ColletApp *app);
/* The window that a widget is in; NULL if it is in none. */
ColletWindow *collet_window_of (gpointer widget);
ColletService *collet_window_get_service (ColletWindow *self);

/* page: "overview", "module", …; key: what it is about, NULL for pages of lists. */
void collet_window_show (ColletWindow *self, const char *page, const char *key);
/* Begins a reload from that file: validates it first. */
void collet_window_open_artifact (ColletWindow *self, GFile *file);

/* Text, not markup. button and action may be NULL; target is consumed if floating. */
void collet_window_toast (ColletWindow *self, const char *text, const char *button, const char *action,
                          GVariant *target);
/* A toast that says what failed, with a button for the message, what to do and the
 * details. Nothing for what was cancelled. */
void collet_window_toast_error (ColletWindow *self, const char *what, const GError *error);

/* Why the daemon does not offer an action; NULL if it may. */
const char *collet_window_get_reason (ColletWindow *self, const char *action);

G_END_DECLS
