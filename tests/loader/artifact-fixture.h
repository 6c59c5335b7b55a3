/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * artifact-fixture.h: an artifact store in a folder of its own, and files to put in.
 */
#pragma once

#include "collet-artifact-store.h"

/* SHA-256 and MD5 of "abc", from their specifications. */
#define ABC_SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_MD5 "900150983cd24fb0d6963f7d28e17f72"

typedef struct
{
  char *base;
  char *folder;
  ColletArtifactStore *store;
} ArtifactFixture;

/* For g_test_add(). */
void artifact_fixture_set_up (ArtifactFixture *f, gconstpointer data);
void artifact_fixture_tear_down (ArtifactFixture *f, gconstpointer data);

guint artifact_fixture_count_entries (const char *folder);
/* n artifacts are stored, and nothing is half done. */
void artifact_fixture_assert_stored (ArtifactFixture *f, guint n);
/* A file beside the store; size < 0: up to the NUL. Its path (g_free). */
char *artifact_fixture_write (ArtifactFixture *f, const char *name, const char *bytes, gssize size);
/* Takes the file as a candidate to keep; its error is in the intake. */
void artifact_fixture_take (ArtifactFixture *f, const char *path, ColletArtifactIntake *intake);
/* Gives the verdict and clears the intake. */
void artifact_fixture_drop (ArtifactFixture *f, ColletArtifactIntake *intake, gboolean keep);
