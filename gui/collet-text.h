/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-text.h: what the daemon says in words of its contract, in words for
 * people, translated.
 */
#pragma once

#include "collet-item.h"
#include "collet-status.h"

G_BEGIN_DECLS

typedef enum
{
  COLLET_WORD_KIND,         /* of a reload */
  COLLET_WORD_RELOAD_STATE, /* also of its items and nodes */
  COLLET_WORD_PHASE,
  COLLET_WORD_STRATEGY,
  COLLET_WORD_MODULE_STATE,
  COLLET_WORD_NODE_STATE,
  COLLET_WORD_COMPATIBILITY,
  COLLET_WORD_TRUST,   /* of a version that nobody signed */
  COLLET_WORD_OUTCOME, /* of a check */
} ColletWord;

/* What is not known is given back as it is. */
const char *collet_text_of (ColletWord what, const char *word);
ColletStatusKind collet_text_status_of (ColletWord what, const char *word);

/* All of these may be shown as they are; times and durations in µs. */
char *collet_text_dup_version (const char *sha256);
/* "1.2.0 (0a1b2c3d4e5f)", or what there is of it; "–" for nothing. */
char *collet_text_dup_full_version (const char *semantic, const char *sha256);
/* "1.0.0 → 1.1.0" */
char *collet_text_dup_change (const char *from, const char *to);
char *collet_text_dup_ago (gint64 time);
char *collet_text_dup_time (gint64 time);
/* For columns: the time alone, if it was today. */
char *collet_text_dup_short_time (gint64 time);
char *collet_text_dup_duration (gint64 duration);
char *collet_text_dup_size (gint64 bytes);
/* Of a uid; -1 is the daemon itself. */
char *collet_text_dup_initiator (gint64 uid);
/* Whether the nodes of a cluster agreed on the reload. */
gboolean collet_text_is_agreed (ColletItem *reload);
/* Of a row of the history: "Reload of calculator". */
char *collet_text_dup_reload_title (ColletItem *reload);
/* The modules of a Reload object or of a row of the history, joined. */
char *collet_text_dup_modules (ColletItem *reload);
/* For what went wrong: the message as it came, cleaned for people. */
char *collet_text_dup_error (const GError *error);
/* A message and what to do, if it does not say that itself. */
char *collet_text_dup_advice (const char *message, const char *remedy);
/* Both, of an error. */
char *collet_text_dup_error_advice (const GError *error);

/* "uid:N": who subscribes without a name. */
char *collet_text_dup_own_subscriber (void);

G_END_DECLS
