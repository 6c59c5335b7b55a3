/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the steps of a reload share.
 */
#pragma once

#include "collet-change-queue.h"
#include "collet-housekeeper.h"
#include "collet-loader.h"
#include "collet-reloader.h"
#include "collet-snapshotter.h"
#include "collet-statistics.h"
#include "collet-store.h"
#include "collet-tool-list.h"

G_BEGIN_DECLS

typedef struct _ColletTrialWindow ColletTrialWindow;

struct _ColletReloader
{
  GObject parent_instance;
  ColletStore *store;
  ColletLoader *loader;
  ColletHost *host;
  ColletRegistry *registry;
  ColletReloaderConfig config;
  GHashTable *deployments; /* module → ColletDeployment */
  GHashTable *artifacts;   /* sha256 → ColletArtifactRow: retained versions */
  GHashTable *smoke_tests; /* module → JSON text, as set */
  GHashTable *locks;       /* module → ColletReload: not yet published */
  GHashTable *lost; /* module → SHA-256 of its previous version, or "": did not come back at the start */
  GListStore *reloads;
  ColletChangeQueue changes;
  ColletSnapshotter *snapshotter;
  ColletHousekeeper *housekeeper;
  ColletStatistics *statistics;
  GHashTable *trials;  /* ColletReload → ColletTrialWindow: neither referenced */
  GHashTable *revoked; /* ids of the keys that are trusted no more; NULL: not looked yet */
  guint64 next_generation;
  guint running;        /* transactions before their commit point */
  guint examining;      /* requests in pre-flight */
  GHashTable *promised; /* SHA-256: bytes that the cluster may have agreed on before the last end */
  gboolean is_littered; /* the artifact store may hold what nobody kept */
  guint64 update_sequence;
  GQueue announcements; /* GPtrArray of ColletUpdateRow: durable, not yet told */
  guint announcing;
  guint64 started;
  gboolean is_closing;
  GTask *shutdown;             /* waits for running == 0 */
  ColletReload *shutting_down; /* its record, or NULL */
};

/* The one of that name, made if needed. Borrowed. */
ColletDeployment *collet_reloader_ensure_deployment (ColletReloader *self, const char *module);

/* It goes on with the state that was saved last, because of the end of a "worker",
 * of the "daemon", or of its calls at a "drain". */
void collet_reloader_note_state_loss (ColletReloader *self, ColletDeployment *deployment,
                                      ColletGeneration *generation, const char *cause);
/* Notes it when its worker crashes. */
void collet_reloader_watch_state (ColletReloader *self, ColletDeployment *deployment);

/* A cold generation of an item's new version, with the next number. */
ColletGeneration *collet_reloader_create_generation (ColletReloader *self, ColletHostKind kind,
                                                     ColletVersion *version, ColletManifest *manifest,
                                                     const char *path, guint64 number);

/* Where a source is: itself if absolute, else found in the module path. */
char *collet_reloader_look_up (ColletReloader *self, const char *source, GError **error);
/* As collet_reloader_find_version, with the manifest. Borrowed. */
const ColletArtifactRow *collet_reloader_find_artifact (ColletReloader *self, const char *module,
                                                        const char *selector, GError **error);

/* Pre-flight: fills items from the request. finish gives what is known of them,
 * never NULL, also beside an error. `request` stays the caller's, but its fd is
 * taken. */
void collet_preflight_async (ColletReloader *self, ColletReloadRequest *request, GAsyncReadyCallback callback,
                             gpointer user_data);
GPtrArray *collet_preflight_finish (ColletReloader *self, GAsyncResult *result, GError **error);

/* The rules of DESIGN 3 and 4 that need this node's state as it is now: what is
 * loaded, how many generations live, who keeps which state. Fills from, old,
 * deployment, kind and verdict. */
gboolean collet_review_item (ColletReloader *self, const ColletReloadRequest *request, ColletReloadItem *item,
                             GError **error);

/* For a group: checks that each item is of the module that was named, and puts
 * them in the order of their dependencies. InvalidArgument, ModuleNotLoaded. */
gboolean collet_reloader_order_group (ColletReloader *self, const ColletReloadRequest *request,
                                      GPtrArray *items, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Which smoke tests each item has to pass: of its manifest, as set, as given.
 * InvalidArgument. */
gboolean collet_reloader_collect_smoke_tests (ColletReloader *self, const ColletReloadRequest *request,
                                              GPtrArray *items, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a reload does to the registry as it is now. NameClash. */
ColletRegistryPlan *collet_reloader_plan (ColletReloader *self, ColletReload *reload, GError **error);
ColletRegistryPlan *collet_reloader_plan_items (ColletReloader *self, const ColletReloadRequest *request,
                                                GPtrArray *items, GError **error);

/* Forgets the deployments of modules that a refused or failed reload brought. */
void collet_reloader_drop_unused (ColletReloader *self, GPtrArray *items);
/* Locks the items' modules for it. */
void collet_reloader_lock (ColletReloader *self, ColletReload *reload);
/* Who holds one of the items' modules, and which; borrowed. */
ColletReload *collet_reloader_find_holder (ColletReloader *self, GPtrArray *items, const char **module);
/* Finished reloads go when there are too many or when they are too old. */
void collet_reloader_prune_finished (ColletReloader *self);

/* Does anything happen before its commit point that the journal must tell of? */
gboolean collet_transaction_needs_journal (ColletReload *reload);
/* Runs a reload whose items are locked to its end. One that is not in the journal
 * is put there with its commit. */
void collet_transaction_run (ColletReloader *self, ColletReload *reload, gboolean is_journalled);
/* As collet_transaction_run, for drain, resume and shutdown. */
void collet_service_change_run (ColletReloader *self, ColletReload *reload);
/* The transaction tells: it is published or undone, so its modules are free for
 * the next one. */
void collet_reloader_unlock (ColletReloader *self, ColletReload *reload);
/* Removes artifacts that no version and no running reload needs, when nobody
 * examines any. */
void collet_reloader_tidy (ColletReloader *self);
/* Numbered changes of tools that a commit made (ColletUpdateRow), or NULL, in
 * order. A few are told at the next turn of the loop, before any later answer of
 * the store: while that writes the end of a reload, and before anybody hears of
 * it. Those of a large batch are told a moment after its end. */
void collet_reloader_announce (ColletReloader *self, GPtrArray *updates);

/* A tool of an item whose trial is open, for calls on trial. ToolNotFound. */
ColletToolEntry *collet_reload_item_dup_tool (const ColletReloadItem *item, const char *tool, GError **error);

/* Rows for the journal (collet-reload-record.c). */
ColletReloadRow *collet_reload_record_begin (ColletReload *reload);
ColletReloadEnd *collet_reload_record_end (ColletReload *reload);
ColletCommit *collet_reload_record_commit (ColletReload *reload, ColletRegistryPlan *plan);
GPtrArray *collet_reload_record_tools (GPtrArray *tools); /* ColletTool → ColletToolRow */

/* Carries exported state into `next`: translates it if the formats differ (DOWN
 * by `old`, UP by `next`) and imports it. finish: the bytes in next's format. */
void collet_migration_carry_async (ColletGeneration *old, ColletGeneration *next, GBytes *state,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
GBytes *collet_migration_carry_finish (GAsyncResult *result, GError **error);

/* How a rollback would get the state back. */
#define COLLET_WAY_BACK_MIGRATE "migrate"
#define COLLET_WAY_BACK_SNAPSHOT "snapshot"
/* If `next` translated `original` up to `carried`, lets it translate that down
 * again: it must give the original, byte by byte (StateMigrationFailed), or say
 * that it cannot. finish: one of the above, static, or NULL with an error. */
void collet_migration_prove_async (ColletGeneration *old, ColletGeneration *next, GBytes *original,
                                   GBytes *carried, GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
const char *collet_migration_prove_finish (GAsyncResult *result, GError **error);

static inline gboolean
collet_reload_item_is_stateful (const ColletReloadItem *item)
{
  return item->manifest != NULL && item->manifest->stateful;
}

static inline gboolean
collet_reload_item_was_stateful (const ColletReloadItem *item)
{
  return item->old != NULL && collet_generation_get_spec (item->old)->manifest->stateful;
}

G_END_DECLS
