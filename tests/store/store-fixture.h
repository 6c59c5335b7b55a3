/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * store-fixture.h: a store in a folder of its own, rows made of few words, and
 * requests that wait for their answer.
 */
#pragma once

#include <sqlite3.h>

#include "collet-rows.h"
#include "collet-store.h"

/* Versions 'a' to 'z': 64 times that digit does not do for all letters, so the
 * number of the letter in hexadecimal, over and over. Static. */
const char *fixture_sha256 (char letter);

char *fixture_folder_new (void);
void fixture_folder_free (char *folder);                                  /* removes it */
ColletStore *fixture_open (const char *folder, ColletStoreImage **image); /* must work */
void fixture_close (ColletStore *store);                                  /* and drops it */

ColletReloadRow *fixture_reload (const char *id, const char *module, char from, char to); /* 0: none */
ColletReloadEnd *fixture_end (const char *id, const char *state);
ColletToolRow *fixture_tool (const char *name, const char *module, char version);
ColletSnapshotRow *fixture_snapshot (const char *module, char version, const char *state, const char *reload);
/* Module at `version` (0: unloaded) with a tool of the same name, and a snapshot
 * unless state is NULL. */
ColletCommit *
fixture_commit (const char *reload, const char *module, char version, guint64 generation, const char *state);

/* For any _async function. */
void fixture_on_answer (GObject *object, GAsyncResult *result, gpointer where);
void fixture_wait (GAsyncResult **result);

/* TRUE, or the error's bare name is in *name (static). */
gboolean fixture_begin (ColletStore *store, ColletReloadRow *row, const char **name);
gboolean fixture_do_commit (ColletStore *store, ColletCommit *commit, GPtrArray **updates, const char **name);
gboolean fixture_do_end (ColletStore *store, ColletReloadEnd *end, const char **name);
gboolean fixture_save (ColletStore *store, ColletSnapshotRow *row, const char **name);
/* begin, commit, end: must work. */
void fixture_reload_module (ColletStore *store, const char *id, const char *module, char from, char to,
                            guint64 generation, const char *state);

/* Another connection, as a person has; NULL or SQLite's message (g_free). */
char *fixture_sql (const char *folder, const char *sql);
/* First column of the first row, or "" (g_free). */
char *fixture_query (const char *folder, const char *sql);
