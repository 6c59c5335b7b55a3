/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-join-token.h: what lets one node join once: a secret, and the
 * fingerprint of the authority by which the new node knows whom it talks to.
 * They live in memory only: a restart of the daemon ends them.
 */
#pragma once

#include "collet-certificate.h"

G_BEGIN_DECLS

#define COLLET_JOIN_TOKENS_MAX 64 /* that wait at once */

/* Random; SECRET "." FINGERPRINT. */
char *collet_join_token_make (const char *authority_fingerprint);
/* InvalidArgument. `secret` is to be freed. */
gboolean collet_join_token_parse (const char *token, char **secret,
                                  char authority_fingerprint[COLLET_FINGERPRINT_SIZE],
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Those that were given out. Times are microseconds since 1970. */
typedef struct _ColletJoinTokens ColletJoinTokens;
ColletJoinTokens *collet_join_tokens_new (void);
void collet_join_tokens_free (ColletJoinTokens *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletJoinTokens, collet_join_tokens_free)

/* Overloaded: too many wait already. */
gboolean collet_join_tokens_add (ColletJoinTokens *self, const char *token, gint64 expires_at, gint64 now,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* It is used up, whatever comes of it. NotAuthorized: unknown, used or expired;
 * which of them is not said. */
gboolean collet_join_tokens_take (ColletJoinTokens *self, const char *secret, gint64 now,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
