/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-history.h: what happened, as the database tells it.
 */
#pragma once

#include "collet-history-query.h"
#include "collet-reloader.h"

G_BEGIN_DECLS

typedef struct
{
  char *module;
  char *from_sha256, *to_sha256;   /* or NULL */
  char *from_version, *to_version; /* semantic, or NULL */
  char *to_signer;                 /* as in collet-version.h, or NULL */
} ColletHistoryItem;

typedef struct
{
  char *id;
  char *kind;
  char *strategy;
  char *state; /* running | succeeded | failed | cancelled | interrupted */
  char *phase;
  char *error;   /* name, or NULL */
  char *message; /* or NULL */
  char *note;    /* or NULL */
  char *reverts; /* id of the reload that it takes back, or NULL */
  char *reason;  /* or NULL */
  char *options; /* JSON object */
  char *detail;  /* JSON object: what is known of each item, or NULL */
  gint64 uid;
  gint64 started_at;
  gint64 finished_at; /* 0: not yet */
  gint64 duration_us;
  gint64 pause_us;  /* -1: none */
  GPtrArray *items; /* ColletHistoryItem */
} ColletHistoryEntry;

void collet_history_entry_free (ColletHistoryEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletHistoryEntry, collet_history_entry_free)

/* Newest first, at most 10000. */
void collet_reloader_history_async (ColletReloader *self, const ColletHistoryQuery *query,
                                    GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *collet_reloader_history_finish (ColletReloader *self, GAsyncResult *result, GError **error);

/* The one with that id, or whose id alone begins so (at least 4 digits). NotFound,
 * InvalidArgument. */
void collet_reloader_find_entry_async (ColletReloader *self, const char *id, GAsyncReadyCallback callback,
                                       gpointer user_data);
ColletHistoryEntry *
collet_reloader_find_entry_finish (ColletReloader *self, GAsyncResult *result, GError **error);

G_END_DECLS
