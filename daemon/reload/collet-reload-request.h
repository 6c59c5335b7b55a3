/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-reload-request.h: what somebody asks for. Filled by the caller, copied
 * by nobody: the reloader takes it.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  COLLET_RELOAD_LOAD,        /* sources: load, or replace what is loaded */
  COLLET_RELOAD_HOT_RELOAD,  /* sources: one, whose module must be loaded; or a group (names) */
  COLLET_RELOAD_SWAP,        /* module, fd: load, or replace what is loaded */
  COLLET_RELOAD_ROLLBACK,    /* module, version */
  COLLET_RELOAD_UNLOAD,      /* module */
  COLLET_RELOAD_DRAIN,       /* module */
  COLLET_RELOAD_RESUME,      /* module */
  COLLET_RELOAD_SHUTDOWN,    /* of the daemon */
  COLLET_RELOAD_ADOPT_STORE, /* of the cluster: only recorded, see collet-reloader.h */
} ColletReloadKind;

/* "load", ... as in the history. */
const char *collet_reload_kind_to_string (ColletReloadKind kind);

typedef enum
{
  COLLET_STATE_MIGRATE,  /* export from what runs, translate, import */
  COLLET_STATE_GIVEN,    /* the caller's bytes in place of them, in the same format; in the
                             new one's if what runs keeps no state */
  COLLET_STATE_SNAPSHOT, /* rollback: the version's own last snapshot */
  COLLET_STATE_AUTO,     /* rollback: migrate; where the code cannot, the snapshot */
  COLLET_STATE_DISCARD,  /* start empty; what was is kept as a snapshot */
} ColletStateChoice;

typedef struct
{
  ColletReloadKind kind;
  GStrv sources;  /* paths or names in the module path */
  GStrv names;    /* of a group: what module each source has to be of, "": any; else NULL */
  GStrv targets;  /* rollback of a group (names, each once): what each goes back to, */
  GStrv expected; /* and what each has to run now; SHA-256 */
  char *module;   /* hot reload: its name, or NULL: any; rollback, unload: its name */
  int fd;         /* swap: owned, read to its end; -1: none, or not any more */
  char *filename; /* swap: what the history calls it */
  char *version;  /* rollback: a selector (collet-version.h), or NULL: the previous */
  ColletStateChoice state_choice;
  GBytes *state;          /* COLLET_STATE_GIVEN */
  char *host;             /* "worker", "in-process", or NULL: as it is */
  char *reason;           /* for the history, or NULL */
  char *id;               /* of the reload, 16 hex digits, if others know it already; or NULL */
  char *strategy;         /* agreed with other nodes: "sync_all", ...; NULL: "local" */
  char *reverts;          /* id of the reload that it takes back, or NULL */
  gint64 uid;             /* who asks; -1: the daemon */
  char *expect_source;    /* load: SHA-256 of what is read from the one source, or NULL */
  char *expect_version;   /* selector: what must run now, or NULL */
  guint drain_timeout_ms; /* 0: the default */
  guint timeout_ms;       /* up to the commit point; 0: none */
  gboolean allow_breaking;
  gboolean has_grace;      /* else the configured time: */
  guint grace_ms;          /* for which calls in the form of what it breaks are accepted; 0: none */
  guint canary_percent;    /* of callers get the new version before all do */
  GStrv canary_callers;    /* and these; or NULL */
  guint trial_ms;          /* a trial window after it is published; 0: none */
  double trial_error_rate; /* how much worse its rate of errors may be than the old one's */
  double trial_slowdown;   /* how many times the old one's its p95 may be; 0: any */
  gboolean force;          /* drain: ends the calls that are left */
  gboolean is_prepare;     /* stop before the commit, and wait for word (collet-prepared.h) */
  guint expiry_ms;         /* prepare: given up when no word came for so long; 0: never */
  char *decided_by;        /* prepare: who gives the word, for messages, in place of `uid`; or NULL */
  GPtrArray *smoke_tests;  /* ColletSmokeTest that the new version has to pass, or NULL */
  char *smoke_text;        /* as they were given, or NULL */
} ColletReloadRequest;

/* Changes what is in service, no code. */
static inline gboolean
collet_reload_kind_is_service (ColletReloadKind kind)
{
  return kind >= COLLET_RELOAD_DRAIN;
}

/* It waits for word while some callers have the new version already. */
static inline gboolean
collet_reload_request_has_canary (const ColletReloadRequest *request)
{
  return request->canary_percent > 0 || request->canary_callers != NULL;
}

ColletReloadRequest *collet_reload_request_new (ColletReloadKind kind, gint64 uid);
void collet_reload_request_free (ColletReloadRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletReloadRequest, collet_reload_request_free)

/* The options as one JSON object, for the history. */
char *collet_reload_request_to_json (const ColletReloadRequest *request);

G_END_DECLS
