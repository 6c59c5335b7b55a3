/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-error-remedy.h: what to do about each error, for people. Messages that
 * know better end with their own sentence; this is what is said otherwise, and
 * what colletctl and the app show below a message.
 */
#pragma once

#include "collet-error.h"

G_BEGIN_DECLS

/* One or two sentences. Borrowed, static, never NULL. */
const char *collet_error_remedy (ColletError code);

G_END_DECLS
