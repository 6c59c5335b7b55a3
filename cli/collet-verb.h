/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-verb.h: the verbs of colletctl, as data.
 */
#pragma once

#include "collet-ctl.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  const char *arguments;       /* "FILE...", for the usage line */
  const char *summary;         /* one line, for the list of verbs */
  const char *help;            /* more, for its own help */
  const GOptionEntry *options; /* or NULL */
  guint min_arguments;
  guint max_arguments;
  ColletExit (*run) (ColletCtl *ctl, char **arguments);
} ColletVerb;

/* All of them, in the order in which they are listed; NULL at the end. */
extern const ColletVerb *const collet_verbs[];
const ColletVerb *collet_verb_find (const char *name);

/* One file a group. */
extern const ColletVerb collet_verb_validate, collet_verb_load, collet_verb_unload; /* collet-verb-load.c */
extern const ColletVerb collet_verb_reload, collet_verb_rollback;                   /* collet-verb-reload.c */
extern const ColletVerb collet_verb_prepare, collet_verb_commit,
    collet_verb_abort; /* collet-verb-prepare.c */
extern const ColletVerb collet_verb_confirm, collet_verb_promote, collet_verb_revert,
    collet_verb_statistics; /* collet-verb-trial.c */
extern const ColletVerb collet_verb_drain, collet_verb_resume,
    collet_verb_shutdown;                                       /* collet-verb-service.c */
extern const ColletVerb collet_verb_modules, collet_verb_tools; /* collet-verb-list.c */
extern const ColletVerb collet_verb_call;                       /* collet-verb-call.c */
extern const ColletVerb collet_verb_cluster;                    /* collet-verb-cluster.c */
extern const ColletVerb collet_verb_watch;                      /* collet-verb-watch.c */
/* collet-verb-versions.c */
extern const ColletVerb collet_verb_versions, collet_verb_retain, collet_verb_release;
/* collet-verb-registry.c */
extern const ColletVerb collet_verb_register, collet_verb_unregister, collet_verb_update_version;
/* collet-verb-subscription.c */
extern const ColletVerb collet_verb_check, collet_verb_subscribe, collet_verb_unsubscribe;
extern const ColletVerb collet_verb_subscriptions;
extern const ColletVerb collet_verb_updates;                                   /* collet-verb-updates.c */
extern const ColletVerb collet_verb_shadow;                                    /* collet-verb-shadow.c */
extern const ColletVerb collet_verb_smoke;                                     /* collet-verb-smoke.c */
extern const ColletVerb collet_verb_swap, collet_verb_code;                    /* collet-verb-code.c */
extern const ColletVerb collet_verb_history;                                   /* collet-verb-history.c */
extern const ColletVerb collet_verb_token;                                     /* collet-verb-token.c */
extern const ColletVerb collet_verb_key, collet_verb_sign, collet_verb_verify; /* collet-verb-sign.c */
extern const ColletVerb collet_verb_status, collet_verb_version;               /* collet-verb-status.c */

G_END_DECLS
