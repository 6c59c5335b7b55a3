/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-agent.h: asks for passwords on the terminal, for users without a
 * desktop that does: polkit's own pkttyagent, as long as colletctl runs.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* NULL: there is no terminal, or no pkttyagent. Returns when it is ready. */
GSubprocess *collet_agent_start (void);
/* Ends it, and puts the terminal back as it was. */
void collet_agent_stop (GSubprocess *agent);

G_END_DECLS
