/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-test-node.h: all of a daemon but its bus and its listeners, in a folder
 * of its own, with the real worker.
 */
#pragma once

#include "collet-history.h"
#include "collet-reloader-private.h"
#include "collet-test-calls.h"

G_BEGIN_DECLS

typedef struct
{
  char *folder;
  ColletReloaderConfig config; /* before start */
  ColletSpawn *spawn;
  ColletStore *store;
  ColletHost *host;
  ColletToolDirectory *directory;
  ColletRegistry *registry;
  ColletReloader *reloader;
  guint failed;     /* modules that did not come back */
  gboolean is_held; /* the change queue is ours */
} TestNode;

TestNode *test_node_new (void); /* started */
void test_node_start (TestNode *node);
void test_node_stop (TestNode *node); /* orderly */
void test_node_free (TestNode *node); /* stops it if it runs; removes the folder */

char *test_node_module (const char *name); /* path of a test module or an example */

/* A request of uid 1000. `source`: a module's file name without .so. */
ColletReloadRequest *test_node_request (ColletReloadKind kind, const char *module, const char *source);
/* Takes the request. NULL: refused. */
ColletReload *test_node_submit (TestNode *node, ColletReloadRequest *request, GError **error);
void test_node_wait (ColletReload *reload);
void test_node_wait_phase (ColletReload *reload, const char *phase);
/* submit and wait: NULL if it succeeded, else the error's bare name. */
const char *test_node_run (TestNode *node, ColletReloadRequest *request);
/* The same, with the message. */
gboolean test_node_try (TestNode *node, ColletReloadRequest *request, GError **error);
void test_node_load (TestNode *node, const char *source); /* must succeed */
/* A batch; the names are NULL-terminated. */
ColletReloadRequest *test_node_batch (const char *first, ...) G_GNUC_NULL_TERMINATED;

/* Semantic version that serves, or NULL. */
const char *test_node_version (TestNode *node, const char *module);
/* As clients find it: by the directory. The error's name if it fails. */
char *test_node_call (TestNode *node, const char *tool, const char *arguments);
/* The counter's count, having added `by`. */
gint64 test_node_count (TestNode *node, int by);

/* From now on no reload passes its last look at the registry before the commit. */
void test_node_hold (TestNode *node);
void test_node_release (TestNode *node);

/* ColletHistoryEntry, newest first. */
GPtrArray *test_node_history (TestNode *node, const char *module);
/* "load succeeded, hot-reload failed StateMigrationFailed": oldest first. */
char *test_node_story (TestNode *node);
/* What the database says is the module's version, as the semantic one. */
char *test_node_committed (TestNode *node, const char *module);

G_END_DECLS
