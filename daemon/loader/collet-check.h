/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-check.h: one line of a report. See collet-loader.h for what it holds.
 */
#pragma once

#include "collet-loader.h"

G_BEGIN_DECLS

ColletCheck *
collet_check_new (const char *name, ColletCheckOutcome outcome, const char *evidence, const char *remedy);
void collet_check_free (ColletCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletCheck, collet_check_free)

G_END_DECLS
