/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-compatibility.h: what a new version changes for those who call the old
 * one. A client may keep a tool's schemas for as long as it likes, so old
 * arguments keep arriving and new results are checked against the old schema.
 *
 * The rules:
 *  - Arguments: all that the old inputSchema accepts, the new one must accept.
 *    Breaking: a member required that was not, a type, enum or range narrowed, a
 *    member gone where no others are allowed, additionalProperties closed.
 *  - Results: all that the new outputSchema allows, the old one must allow.
 *    Breaking: a member gone, or no longer sure to be there; a type, enum or
 *    range widened; a new member where the old schema allowed no others; the
 *    outputSchema gone.
 *  - What an old schema left open by not naming it is not relied on: a new
 *    optional argument is compatible although somebody might have sent something
 *    else under that name.
 *  - A tool gone is breaking; a tool added, or other words about one, is not.
 *  - A change whose effect cannot be told (in not, if, dependentSchemas,
 *    unevaluated*, a pattern, ...) is breaking, and says so. The same rules in
 *    another order, with other annotations or with an equal $ref are no change.
 *  - State, needs and limits of the module are listed, and break no caller.
 */
#pragma once

#include "collet-manifest.h"

G_BEGIN_DECLS

typedef enum
{
  COLLET_VERDICT_IDENTICAL,      /* the same bytes; for the caller to say */
  COLLET_VERDICT_BEHAVIOUR_ONLY, /* nothing in the manifest but its version */
  COLLET_VERDICT_COMPATIBLE,
  COLLET_VERDICT_BREAKING,
} ColletVerdict;

/* "identical", "behaviour-only", "compatible", "breaking". Static. */
const char *collet_verdict_to_string (ColletVerdict verdict);

typedef struct
{
  ColletVerdict verdict;
  /* One sentence a difference, for people: the tool, the JSON pointer in it,
   * what was and what is. What breaks comes first. Bounded in number. */
  GStrv differences;
  guint n_breaking; /* of these */
  guint n_former;   /* tools that break callers, but take calls as before over for a time */
  char *obstacle;   /* why a tool can never do that although it means to; or NULL */
} ColletCompatibility;

/* Never COLLET_VERDICT_IDENTICAL: a manifest does not tell whether the code is. */
ColletCompatibility *
collet_compatibility_compare (const ColletManifest *from, const ColletManifest *to) G_GNUC_WARN_UNUSED_RESULT;
void collet_compatibility_free (ColletCompatibility *compatibility);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletCompatibility, collet_compatibility_free)

G_END_DECLS
