/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-http-head.h: whether a request's head is one that every server on the
 * way would read alike, and whether it may come here. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What of a head decides. Strings are borrowed from the server library. */
typedef struct
{
  const char *method;
  const char *target; /* as in the request line, less the query */
  const char *version;
  const char *host, *origin, *content_length, *transfer_encoding;
  guint n_hosts, n_origins, n_content_lengths, n_transfer_encodings;
  gint64 peer_uid;       /* unix socket */
  gboolean has_bad_name; /* a header name that is no token */
} ColletHttpHead;

void collet_http_head_add (ColletHttpHead *head, const char *name, const char *value);

/* Who may ask. */
typedef struct
{
  gboolean is_local;                  /* unix socket: Host and Origin do not matter */
  const GArray *allowed_uids;         /* gint64; unix socket; NULL: its mode decides alone */
  const char *const *allowed_hosts;   /* names beside 127.0.0.1, localhost, [::1]; or NULL */
  const char *const *allowed_origins; /* whole origins ("https://desk.example"); or NULL */
  gsize max_body;
} ColletHttpPolicy;

/* 0: fine. Otherwise the status to answer with, before any body is read, and
 * *reason, static: what was found, and what to do. The connection must close. */
guint
collet_http_head_check (const ColletHttpHead *head, const ColletHttpPolicy *policy, const char **reason);

/* The path of the target, after an absolute form's authority. */
const char *collet_http_head_get_path (const ColletHttpHead *head);

G_END_DECLS
