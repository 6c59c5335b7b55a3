/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-probe-child.h: the confined process that examines candidates.
 */
#ifndef COLLET_PROBE_CHILD_H
#define COLLET_PROBE_CHILD_H

#include <stdatomic.h>
#include <stdint.h>

#include "collet-confinement.h"
#include "collet-wire.h"

/* What the exit status is when the child could not be confined; the reason is on
 * standard error. */
#define COLLET_PROBE_EXIT_UNCONFINED 125

/* In the child, with the report channel as fd 3. `paths`: request->count strings,
 * one after the other. `current` (or NULL): shared with the fork server, which is
 * asked what runs when something is refused. */
_Noreturn void collet_probe_child_run (const struct collet_confinement *confinement,
                                       const struct collet_gate *gate,
                                       const struct collet_probe_request *request, const char *paths,
                                       _Atomic uint32_t *current);

#endif /* COLLET_PROBE_CHILD_H */
