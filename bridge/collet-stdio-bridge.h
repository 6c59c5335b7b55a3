/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-stdio-bridge.h: carries the messages of one client, a line each, to the
 * daemon and back.
 *
 * Messages pass through untouched. The bridge adds what HTTP wants: the session
 * and its version in the legacy era, the stream of news. When the daemon goes
 * away, it is started again or waited for, the session is opened again if it was
 * lost, and what can be repeated is; a call whose fate is not known gets the error
 * Interrupted instead.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  const char *socket; /* path of the daemon's */
  GBusType bus;       /* where the daemon is started; G_BUS_TYPE_NONE: it is not */
  guint wait_ms;      /* for a daemon that is not there */
  int in, out;
} ColletStdioConfig;

typedef struct _ColletStdioBridge ColletStdioBridge;

/* `on_end`: everything is answered after the end of the input, or nobody reads the
 * answers. */
ColletStdioBridge *
collet_stdio_bridge_new (const ColletStdioConfig *config, void (*on_end) (gpointer), gpointer user_data);
void collet_stdio_bridge_free (ColletStdioBridge *bridge);

G_END_DECLS
