/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-etcd-client.h: requests to whichever member of etcd answers. Each try has
 * a time of its own; then the next member is asked the same.
 */
#pragma once

#include <gio/gio.h>
#include <libsoup/soup.h>

#include "collet-json.h"

G_BEGIN_DECLS

typedef struct
{
  const char *const *endpoints; /* "https://host:2379"; http:// for loopback only */
  const char *ca_file;          /* PEM; all three, or none */
  const char *certificate_file;
  const char *key_file;
  guint try_ms;     /* 0: 1000 */
  guint give_up_ms; /* 0: 6000 */
} ColletEtcdConfig;

typedef struct _ColletEtcdClient ColletEtcdClient;
typedef struct _ColletEtcdCall ColletEtcdCall;

/* One of json and error is NULL; borrowed. NotFound, InvalidArgument, DiskFull,
 * NotAuthorized: etcd said so, nothing was done. QuorumNotReached: nobody gave an
 * answer, the outcome is unknown. */
typedef void (*ColletEtcdAnswer) (const ColletJson *json, const GError *error, gpointer user_data);

/* InvalidArgument, ArtifactNotFound (a certificate's file). */
ColletEtcdClient *collet_etcd_client_new (const ColletEtcdConfig *config, GError **error);
/* Cancels what is under way: nothing is answered any more. */
void collet_etcd_client_free (ColletEtcdClient *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletEtcdClient, collet_etcd_client_free)

/* body is taken. Valid until its answer. */
ColletEtcdCall *collet_etcd_client_post (ColletEtcdClient *self, const char *path, char *body,
                                         ColletEtcdAnswer answer, gpointer user_data);
void collet_etcd_call_cancel (ColletEtcdCall *call);
/* Sent once to the member that answered last; nobody waits for it. */
void collet_etcd_client_post_and_forget (ColletEtcdClient *self, const char *path, char *body);

/* For a stream: a message to one member, and the session to send it with. */
SoupMessage *
collet_etcd_client_new_message (ColletEtcdClient *self, guint member, const char *path, const char *body);
SoupSession *collet_etcd_client_get_session (ColletEtcdClient *self);
guint collet_etcd_client_get_member (ColletEtcdClient *self); /* that answered last */
guint collet_etcd_client_get_n_members (ColletEtcdClient *self);
guint collet_etcd_client_get_try_ms (ColletEtcdClient *self);

/* Since when nobody answers (wall clock, microseconds), and what they say; 0 and
 * NULL: the last request was answered. */
gint64 collet_etcd_client_get_failure (ColletEtcdClient *self, const char **message);

G_END_DECLS
