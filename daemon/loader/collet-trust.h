/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-trust.h: what may be loaded at all. Asked before anything of a candidate
 * runs, even in the confined child.
 */
#pragma once

#include "collet-artifact-store.h"
#include "collet-loader.h"
#include "collet-version.h"

G_BEGIN_DECLS

typedef enum
{
  COLLET_TRUST_SIGNED, /* by a key of the folder, nothing else */
  COLLET_TRUST_OWNED,  /* or a file that only root or the daemon's user can write */
  COLLET_TRUST_ANY,    /* anything that is not signed by a revoked key */
} ColletTrustLevel;

/* "signed", "owned", "any". */
gboolean collet_trust_level_from_string (const char *text, ColletTrustLevel *level);

struct _ColletTrustPolicy
{
  ColletTrustLevel level;
  char *keys;             /* folder, see collet-key-ring.h; read anew each time, so that a
                             change counts at once. NULL: none */
  GStrv network;          /* modules that may use it, "*": any; NULL: none */
  gboolean trusts_caller; /* bytes handed over come from who may do everything anyway */
};

/* A deep copy into `to`, and its contents freed. */
void collet_trust_policy_copy (const ColletTrustPolicy *policy, ColletTrustPolicy *to);
void collet_trust_policy_clear (ColletTrustPolicy *policy);

/* Judges what was taken and has no error: fills its trust. Reads SOURCE.minisig.
 * Blocking. */
void collet_trust_judge (const ColletTrustPolicy *policy, ColletArtifactIntake *intakes, guint n);

/* Whether a retained version may come back: `path` is its file. NotTrusted. */
gboolean collet_trust_judge_retained (const ColletTrustPolicy *policy, const ColletVersion *version,
                                      const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
