/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-language.h: what people read is in their language; what programs read
 * (names of errors, --json, the history) is not.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* First of all in main(), before there are threads. Translations are beside the
 * prefix that this program was installed or moved to, or where COLLET_LOCALE_DIR
 * says. */
void collet_language_init (void);

G_END_DECLS
