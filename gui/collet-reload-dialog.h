/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-reload-dialog.h: from a file to a reload: the file is checked at once,
 * what was found and what would change is shown, then it is asked for. What was
 * typed in stays whatever fails.
 */
#pragma once

#include "collet-window.h"

G_BEGIN_DECLS

#define COLLET_TYPE_RELOAD_DIALOG (collet_reload_dialog_get_type ())
G_DECLARE_FINAL_TYPE (ColletReloadDialog, collet_reload_dialog, COLLET, RELOAD_DIALOG, AdwWindow)

/* module: the one to be replaced; NULL: whichever the file is. path: NULL: to be chosen. */
GtkWidget *collet_reload_dialog_new (ColletWindow *window, const char *module, const char *path);

G_END_DECLS
