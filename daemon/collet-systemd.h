/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-systemd.h: what the service manager gives and wants to hear: listening
 * sockets, kept from one run to the next, the state of the service, a watchdog.
 * Without a service manager nothing of it happens. Main thread.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A listening socket that was handed over: from a .socket unit, or from the store
 * of descriptors where a former run put it. */
typedef struct
{
  int fd;             /* -1: taken */
  gboolean is_stored; /* by collet_systemd_store; else from a .socket unit */
} ColletSystemdSocket;

/* Once, before any other process is started. Descriptors that are no listening
 * stream sockets are closed. Owned by the caller, who closes what it does not
 * take. */
GArray *collet_systemd_receive (void) G_GNUC_WARN_UNUSED_RESULT;

/* TRUE: the service manager was told to keep it. */
gboolean collet_systemd_store (int fd);
/* All those stored are to be dropped. */
void collet_systemd_drop_stored (void);

void collet_systemd_notify_ready (const char *status);
void collet_systemd_notify_reloading (void);
void collet_systemd_notify_stopping (void);

/* Says that the main loop turns, as often as it is wanted. 0: nobody wants it. */
guint collet_systemd_start_watchdog (void);

G_END_DECLS
