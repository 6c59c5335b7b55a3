/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-preferences.h: which bus, which colours, what is notified.
 */
#pragma once

#include "collet-app.h"

G_BEGIN_DECLS

#define COLLET_TYPE_PREFERENCES (collet_preferences_get_type ())
G_DECLARE_FINAL_TYPE (ColletPreferences, collet_preferences, COLLET, PREFERENCES, AdwPreferencesWindow)

/* app may be NULL: nothing can be set. */
GtkWidget *collet_preferences_new (ColletApp *app);

G_END_DECLS
