/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-reload-options.h: how a checked artifact comes into service: by which
 * strategy, why, and what has to be accepted for it.
 */
#pragma once

#include <adwaita.h>

#include "collet-service.h"

G_BEGIN_DECLS

#define COLLET_TYPE_RELOAD_OPTIONS (collet_reload_options_get_type ())
G_DECLARE_FINAL_TYPE (ColletReloadOptions, collet_reload_options, COLLET, RELOAD_OPTIONS, AdwBin)

/* Which strategies there are now. Signal "changed" (): the problem may be another. */
void collet_reload_options_setup (ColletReloadOptions *self, ColletService *service);
/* facts: of ValidateModule(). running: the module that is replaced; NULL if it is new. */
void collet_reload_options_set_facts (ColletReloadOptions *self, ColletItem *facts, ColletItem *running);
/* Why it cannot be asked for as it is now; NULL if it can. Translated. */
const char *collet_reload_options_get_problem (ColletReloadOptions *self);
/* The method and its arguments (floating). name: of the module; path: of the artifact. */
const char *collet_reload_options_make_call (ColletReloadOptions *self, const char *name, const char *path,
                                             GVariant **arguments);

G_END_DECLS
