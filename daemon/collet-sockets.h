/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-sockets.h: the sockets that MCP is served on: handed over by the service
 * manager, or made here and given to it to keep. One that is kept stays open when
 * the daemon ends, so clients that connect meanwhile wait instead of being
 * refused.
 */
#pragma once

#include "collet-options.h"

G_BEGIN_DECLS

typedef struct
{
  int fd;        /* -1: taken */
  char *address; /* "http://127.0.0.1:7311/mcp" or "unix:/run/..." */
  gboolean is_kept;
  gboolean is_ours; /* made here, now or by a former run */
} ColletListenSocket;

/* `received` (ColletSystemdSocket) is emptied. Of ColletListenSocket; closing what
 * was not taken. AddressInUse, InvalidArgument, NotAuthorized. */
GArray *collet_sockets_open (const ColletOptions *options, GArray *received,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Lets others reach the unix socket that was made here, or the owner alone, as
 * `config` names users or none. */
void collet_sockets_admit (GArray *sockets, const ColletOptions *options, const ColletConfig *config);

G_END_DECLS
