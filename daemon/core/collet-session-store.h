/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-session-store.h: where sessions of MCP clients are kept so that they
 * outlive the daemon; implemented over the database, injected by the root.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *id;       /* 32 hexadecimal digits */
  const char *revision; /* "2025-11-25" */
  const char *client;   /* "name/version" as it introduced itself; "" if it did not */
  guint questions;      /* what the client can be asked: 1 << enum collet_question */
  int log_level;        /* enum collet_level, or 255: none */
  guint64 seen;         /* begin of the digest of the list of tools that it knows */
  gint64 used_us;       /* wall clock, to some minutes */
} ColletSessionRecord;

/* Called from any thread, under locks; must not block on the disk, nor call back.
 * The record is borrowed. */
typedef struct _ColletSessionStore ColletSessionStore;
typedef struct
{
  void (*save) (ColletSessionStore *store, const ColletSessionRecord *record);
  void (*remove) (ColletSessionStore *store, const char *id);
} ColletSessionStoreClass;

struct _ColletSessionStore
{
  const ColletSessionStoreClass *class_;
};

G_END_DECLS
