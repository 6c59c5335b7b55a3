/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-artifact-pins.h: who is using which artifact of the store just now, so
 * that of two examinations of the same bytes one cannot remove what the other
 * has proven. Thread-safe.
 */
#pragma once

#include <glib.h>

#include "collet-signature.h"

G_BEGIN_DECLS

#define COLLET_ARTIFACT_SIGNATURE ".so" COLLET_SIGNATURE_SUFFIX /* goes with its artifact */

typedef struct _ColletArtifactPins ColletArtifactPins;

ColletArtifactPins *collet_artifact_pins_new (void);
void collet_artifact_pins_free (ColletArtifactPins *self);

/* Before the artifact is put into `dir_fd`: the first pin sees whether it was
 * there already. Opens what is there for reading; -1 if nothing is. */
int collet_artifact_pins_add (ColletArtifactPins *self, int dir_fd, const char *sha256);
/* With the last pin goes the file, unless it was there before, or anyone who
 * pinned it says `keep`. */
void collet_artifact_pins_remove (ColletArtifactPins *self, int dir_fd, const char *sha256, gboolean keep);
/* Unlinks an artifact that nobody has pinned. FALSE: it is still there. */
gboolean collet_artifact_pins_unlink (ColletArtifactPins *self, int dir_fd, const char *sha256);

G_END_DECLS
