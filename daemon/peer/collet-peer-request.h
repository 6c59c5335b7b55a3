/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-peer-request.h: what a node that joins says, and what it is told; JSON
 * both ways. Version 1:
 *
 *   POST /v1/join  {"secret", "node", "url", "request"}
 *     200  {"cluster", "certificate", "authority", "endpoints"}
 *     else {"error": {"name", "message"}}
 *
 *   GET /v1/artifacts/SHA256, by a node of the roster: the bytes; ranges "bytes=N-"
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Of an answer with an artifact: the signature that came with it, in base64. */
#define COLLET_PEER_SIGNATURE "Collet-Signature"
#define COLLET_PEER_SIGNATURE_MAX 4096 /* bytes of a signature that goes this way */

#define COLLET_PEER_MAX_BODY (64u * 1024u)
#define COLLET_PEER_MAX_ENDPOINTS 64

typedef struct
{
  char *secret;
  char *node;
  char *url;     /* https://HOST:PORT of the new node */
  char *host;    /* of it */
  char *request; /* PEM */
} ColletJoinRequest;
void collet_join_request_free (ColletJoinRequest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletJoinRequest, collet_join_request_free)

char *collet_join_request_to_json (const ColletJoinRequest *self);
/* InvalidArgument, InvalidJson. */
ColletJoinRequest *collet_join_request_parse (GBytes *body, GError **error);

typedef struct
{
  char *cluster;
  char *certificate; /* PEM: the new node's, then the authority's */
  char *authority;   /* PEM */
  GStrv endpoints;   /* of the coordination service */
} ColletJoinReply;
void collet_join_reply_free (ColletJoinReply *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletJoinReply, collet_join_reply_free)

char *collet_join_reply_to_json (const ColletJoinReply *self);
ColletJoinReply *collet_join_reply_parse (GBytes *body, GError **error);

char *collet_peer_error_to_json (const GError *error);
/* The error that another node answered with. */
GError *collet_peer_error_parse (GBytes *body, guint status);

/* A node's name: 1 to 64 of letters, digits, "." "-" "_", not beginning with "." or "-".
 * InvalidArgument. */
gboolean collet_peer_check_name (const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Host of an https://HOST:PORT without anything after it. InvalidArgument. */
char *collet_peer_dup_host (const char *url, guint16 *port, GError **error);

G_END_DECLS
