/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-revocations.h: keeps up with the folder of keys. A revoked key is
 * refused when bytes come in (collet-trust.h); this says so of versions that are
 * here already. Main thread.
 */
#pragma once

#include "collet-reloader.h"

G_BEGIN_DECLS

typedef struct _ColletRevocations ColletRevocations;

/* Looks at once, and whenever something in `keys` (a folder, may be missing) changes. */
ColletRevocations *collet_revocations_new (ColletReloader *reloader, const char *keys);
void collet_revocations_free (ColletRevocations *self);
/* Looks again, where changes are not told. */
void collet_revocations_look (ColletRevocations *self);

G_END_DECLS
