/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * lossy-proxy.h: a TCP proxy, in the main loop, that can lose answers.
 */
#pragma once

#include <gio/gio.h>

typedef struct
{
  GSocketService *service;
  char *upstream; /* "127.0.0.1:PORT" */
  char *endpoint; /* "http://127.0.0.1:PORT" */
  gint drop_next; /* so many answers are read, thrown away, and the connection is closed */
  guint dropped;
} LossyProxy;

LossyProxy *lossy_proxy_new (const char *upstream_endpoint);
void lossy_proxy_free (LossyProxy *self);
