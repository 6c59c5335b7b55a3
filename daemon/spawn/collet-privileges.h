/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-privileges.h: whom workers run as, and the capabilities that it takes,
 * which the fork server alone is to have.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

#define COLLET_WORKER_USER "collet-worker"

typedef struct
{
  char *name;
  uid_t uid; /* 0: workers keep the daemon's user */
  gid_t gid;
} ColletWorkerUser;

void collet_worker_user_clear (ColletWorkerUser *user);

/* `name`: NULL: COLLET_WORKER_USER, if there is one and this process can start
 * others as another user. Where a name was given, InvalidArgument if it cannot be.
 * *why_not: said where workers keep the daemon's user; else NULL. */
gboolean collet_privileges_choose (const char *name, ColletWorkerUser *user, char **why_not, GError **error);

/* This process can start others as another user. */
gboolean collet_privileges_suffice (void);
/* Gives up all capabilities, for good; root keeps its. To be called while there is
 * one thread. */
gboolean collet_privileges_drop (GError **error);

G_END_DECLS
