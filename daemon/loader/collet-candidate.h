/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-candidate.h: how the loader fills a ColletCandidate. See collet-loader.h
 * for what it holds.
 */
#pragma once

#include "collet-loader.h"

G_BEGIN_DECLS

ColletCandidate *collet_candidate_new (const char *source);

/* Appends a check; `evidence` and `remedy` are copied, remedy may be NULL. */
void collet_candidate_add_check (ColletCandidate *self, const char *name, ColletCheckOutcome outcome,
                                 const char *evidence, const char *remedy);
/* Appends a failed check and makes `error` (taken) the candidate's, if it is the
 * first; the evidence is its message, the remedy that of its code. */
void collet_candidate_fail (ColletCandidate *self, const char *name, GError *error);
/* Appends "skipped" because of what failed before. */
void collet_candidate_skip (ColletCandidate *self, const char *name);
gboolean collet_candidate_has_check (ColletCandidate *self, const char *name);

G_END_DECLS
