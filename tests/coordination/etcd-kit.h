/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * etcd-kit.h: real members of etcd on loopback ports, gone when the test ends.
 */
#pragma once

#include <gio/gio.h>

#define ETCD_KIT_MAX 3

typedef struct
{
  guint n;
  char *folder;
  char *endpoints[ETCD_KIT_MAX + 1]; /* NULL-terminated */
  GSubprocess *members[ETCD_KIT_MAX];
  GStrv arguments[ETCD_KIT_MAX];
} EtcdKit;

gboolean etcd_kit_is_available (void);
/* extra: further options, NULL-terminated, or NULL; scheme "http" or "https".
 * Waits until it serves (http only). */
EtcdKit *etcd_kit_new (guint n, const char *scheme, const char *const *extra);
void etcd_kit_free (EtcdKit *self);

void etcd_kit_signal (EtcdKit *self, guint member, int signal);
void etcd_kit_kill (EtcdKit *self, guint member);    /* SIGKILL, and waits */
void etcd_kit_restart (EtcdKit *self, guint member); /* on the same data */
void etcd_kit_wait_healthy (EtcdKit *self, guint member);
guint etcd_kit_find_leader (EtcdKit *self);

/* One request, as it is: status and body (g_free). Runs the main loop. status 0: no answer. */
char *etcd_kit_post (EtcdKit *self, guint member, const char *path, const char *body, guint *status);
/* {"key":..} of text, for bodies made by hand: base64, g_free. */
char *etcd_kit_base64 (const char *text);
