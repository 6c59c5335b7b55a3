/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-housekeeper.h: takes away what the rules of retention no longer keep:
 * versions soon after a new one came, old history once an hour. What is in use,
 * prepared or pinned, what serves and what is gone back to stays. Main thread.
 */
#pragma once

#include "collet-reloader.h"

G_BEGIN_DECLS

typedef struct _ColletHousekeeper ColletHousekeeper;

/* `reloader` outlives it. */
ColletHousekeeper *collet_housekeeper_new (ColletReloader *reloader);
void collet_housekeeper_free (ColletHousekeeper *self);

/* There is a new version, or no room: look at the versions in a moment. */
void collet_housekeeper_look_soon (ColletHousekeeper *self);
/* One more has ended: now and then the history is looked at. */
void collet_housekeeper_count_reload (ColletHousekeeper *self);

G_END_DECLS
