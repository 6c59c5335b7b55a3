/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-fork-client.h: the fork server's process and the channel to it, without
 * any knowledge of what is asked for. Main thread.
 */
#pragma once

#include <gio/gio.h>

struct collet_frame;

G_BEGIN_DECLS

typedef struct _ColletForkClient ColletForkClient;

typedef struct
{
  void (*frame) (gpointer user_data, struct collet_frame *frame); /* may steal its fds */
  /* Its process ended or talks nonsense. Once; free it after. */
  void (*gone) (gpointer user_data);
} ColletForkClientHandler;

/* SpawnFailed. */
ColletForkClient *collet_fork_client_new (const char *const *argv, const ColletForkClientHandler *handler,
                                          gpointer user_data, GError **error);
/* Its children go with it. */
void collet_fork_client_free (ColletForkClient *server);
/* Takes the fds. Frames wait in a queue while the channel is full. */
void collet_fork_client_send (ColletForkClient *server, guint16 type, guint64 id, GBytes *payload,
                              const int *fds, guint n_fds);

G_END_DECLS
