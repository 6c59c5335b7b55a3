/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For those who make requests of their own. Private to store/.
 */
#pragma once

#include "collet-request.h"
#include "collet-store.h"

G_BEGIN_DECLS

/* Takes `input`. `tag` is the calling _async function. */
void collet_store_submit (ColletStore *self, const ColletRequestClass *class_, gpointer input, gpointer tag,
                          GAsyncReadyCallback callback, gpointer user_data);

G_END_DECLS
