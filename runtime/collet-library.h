/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-library.h: one shared object in memory, and its descriptor. Internal to
 * the runtime.
 */
#ifndef COLLET_LIBRARY_H
#define COLLET_LIBRARY_H

#include <stdbool.h>

#include "collet-failure.h"
#include "collet-module.h"

/* NULL: InvalidModule with what the dynamic loader said, or ValidationFailed if
 * it is in memory already. */
void *collet_library_open (const char *path, struct collet_failure *failure);
/* True if its code left memory. */
bool collet_library_close (void *handle, const char *path);

/* Copies the descriptor; members that an older module does not have are NULL.
 * InvalidModule, AbiMismatch. */
bool collet_library_bind (void *handle, struct collet_module *module, struct collet_failure *failure);

#endif /* COLLET_LIBRARY_H */
