/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-probe-reader.h: collects what a probe child reports.
 *
 * The child runs foreign code once the reading is done, so from then on it may
 * say anything: a frame out of order ends the reading, and what was read before
 * a candidate ran is never replaced.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ColletProbeReader ColletProbeReader;

/* Takes `fd`, non-blocking; reads on the thread-default main context. */
ColletProbeReader *collet_probe_reader_new (int fd, guint n_artifacts);
void collet_probe_reader_free (ColletProbeReader *reader);
/* The child's confinement refused something of that artifact's. */
void
collet_probe_reader_add_refusal (ColletProbeReader *reader, guint artifact, const char *call, guint64 times);
/* The child has ended: takes what is left in the channel. ColletProbed, one an
 * artifact. *died_at: the first whose second report is missing, or -1. */
GPtrArray *collet_probe_reader_finish (ColletProbeReader *reader, int *died_at);

G_END_DECLS
