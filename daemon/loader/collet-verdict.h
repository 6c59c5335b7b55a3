/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-verdict.h: makes a candidate with its checks from what was copied and
 * what its trial gave. Thread-safe, no I/O.
 */
#pragma once

#include "collet-artifact-store.h"
#include "collet-candidate.h"
#include "collet-trial.h"
#include "collet-trust.h"

G_BEGIN_DECLS

/* The checks come in this order, as far as it goes: artifact, trust, those of the
 * file (runtime/collet-probe.h), manifest, schemas, network, confinement (if it was
 * refused something), those of the trial load, state. `trial` is NULL if the artifact
 * could not be copied or is not trusted. The candidate's path is left NULL. */
ColletCandidate *collet_verdict_new (const ColletArtifactIntake *intake, const ColletTrial *trial,
                                     const ColletTrustPolicy *policy);

G_END_DECLS
