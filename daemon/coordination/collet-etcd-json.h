/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-etcd-json.h: the bodies of etcd's v3 JSON gateway. Its requests are
 * written here and nowhere else: it ignores fields that it does not know, so a
 * misspelt compare would be an unconditional write.
 *
 * Keys and values are base64, 64-bit numbers are strings, and a field with its
 * default value is left out of an answer.
 */
#pragma once

#include "collet-json.h"
#include "collet-txn.h"

G_BEGIN_DECLS

/* ---- requests; g_free ---- */

char *collet_etcd_json_txn (const ColletTxn *txn); /* /v3/kv/txn */
/* /v3/watch: every change of what begins with prefix. */
char *collet_etcd_json_watch (const char *prefix, gint64 from_revision);
/* /v3/kv/range: the key of the newest change that still stands. */
char *collet_etcd_json_newest (const char *prefix);
char *collet_etcd_json_grant (guint ttl_s);       /* /v3/lease/grant */
char *collet_etcd_json_lease (const char *lease); /* /v3/lease/keepalive, /v3/lease/revoke */

/* ---- answers: StoreFailed for one that makes no sense ---- */

ColletTxnReply *collet_etcd_json_read_txn (const ColletJson *json, const ColletTxn *txn, GError **error);
/* Of any answer; 0 and NULL if it has no header. */
gint64 collet_etcd_json_read_revision (const ColletJson *json, ColletJsonNode root);
char *collet_etcd_json_dup_store_id (const ColletJson *json, ColletJsonNode root);
/* mod_rev of the newest; 0: nothing stands there. */
gboolean collet_etcd_json_read_newest (const ColletJson *json, gint64 *mod_rev, GError **error);
/* Id of the lease; ttl_s 0: it has ended. Of grant and keepalive. */
gboolean collet_etcd_json_read_lease (const ColletJson *json, char **lease, gint64 *ttl_s, GError **error);

typedef struct
{
  gboolean is_created;
  gint64 compact_revision; /* > 0: it was ended, older changes are gone */
  gboolean is_canceled;
  gint64 revision;
  GPtrArray *changes; /* ColletKeyValue */
} ColletEtcdWatchLine;

/* One line of /v3/watch. */
ColletEtcdWatchLine *collet_etcd_json_read_watch (const ColletJson *json, GError **error);
void collet_etcd_watch_line_free (ColletEtcdWatchLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletEtcdWatchLine, collet_etcd_watch_line_free)

typedef enum
{
  COLLET_ETCD_FINAL,     /* nothing was done, and asking again does not help */
  COLLET_ETCD_ELSEWHERE, /* another member may know better; the outcome is unknown */
} ColletEtcdVerdict;

/* The error that an answer with another status than 200 stands for. json may be
 * NULL: it was none. */
ColletEtcdVerdict collet_etcd_json_read_error (const ColletJson *json, guint http_status, GError **error);

G_END_DECLS
