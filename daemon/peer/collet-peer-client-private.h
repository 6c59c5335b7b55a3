/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "collet-peer-client.h"

G_BEGIN_DECLS

struct _ColletPeerClient
{
  GObject parent_instance;
  SoupSession *session;
};

gboolean collet_peer_fingerprint_of (GTlsCertificate *certificate, char fingerprint[COLLET_FINGERPRINT_SIZE]);

/* On a connection of its own. `path` begins with a slash. InvalidArgument. */
SoupMessage *collet_peer_message_new (const char *method, const char *url, const char *path, GError **error);

/* What asks a source for a path with that certificate of ours. *is_other is set if
 * somebody else is there; it and the source live as long as the request. */
SoupMessage *collet_peer_source_ask (const ColletPeerSource *source, const char *path,
                                     GTlsCertificate *certificate, gboolean *is_other, GError **error);

/* Ours, with its key. InvalidArgument. */
GTlsCertificate *collet_peer_identity_to_certificate (const ColletPeerIdentity *identity, GError **error);

/* As one of ours. is_other: its certificate was refused. Takes `error`. */
GError *collet_peer_convert_error (GError *error, gboolean is_other, const char *url);

G_END_DECLS
