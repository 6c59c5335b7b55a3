/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-app.h: the application: its settings, and the one service that all
 * windows show.
 */
#pragma once

#include <adwaita.h>

#include "collet-service.h"

G_BEGIN_DECLS

#define COLLET_TYPE_APP (collet_app_get_type ())
G_DECLARE_FINAL_TYPE (ColletApp, collet_app, COLLET, APP, AdwApplication)

ColletApp *collet_app_new (void);

typedef struct _ColletActivity ColletActivity;

ColletService *collet_app_get_service (ColletApp *self);
ColletActivity *collet_app_get_activity (ColletApp *self);
/* NULL if the settings' schema is not installed: everything has its default. */
GSettings *collet_app_get_settings (ColletApp *self);
gboolean collet_app_get_setting (ColletApp *self, const char *name);

G_END_DECLS
