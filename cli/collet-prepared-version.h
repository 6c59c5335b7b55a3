/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-prepared-version.h: which version of a module is prepared.
 */
#pragma once

#include "collet-ctl.h"

G_BEGIN_DECLS

/* SHA-256 of the one that is. NotPrepared: none is. */
char *collet_prepared_version_dup (ColletCtl *ctl, const char *module, GError **error);

G_END_DECLS
