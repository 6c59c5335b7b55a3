/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-peer-strangers.h: a TLS database by which everybody is a stranger.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* No certificate is good of itself in this process, unless a session has a database
 * of its own: peers are known by their fingerprints. The system's authorities, GIO's
 * default, would not only be wrong: they are read anew for each connection, which
 * costs more than the rest of it. Main thread, before the first connection. */
void collet_peer_trust_nobody (void);

G_END_DECLS
