/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-load-tally.h: what became of all calls: counts, durations, errors by
 * kind, versions that answered, and whether the register's totals add up.
 */
#pragma once

#include "collet-bench-histogram.h"
#include "collet-load-call.h"

G_BEGIN_DECLS

typedef struct _LoadTally LoadTally;

LoadTally *load_tally_new (void);
void load_tally_free (LoadTally *tally);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadTally, load_tally_free)

void load_tally_count_sent (LoadTally *tally);
/* timed: FALSE leaves it out of the durations (warm-up). */
void
load_tally_count_ended (LoadTally *tally, const LoadCall *call, const LoadVerdict *verdict, gboolean timed);
/* A failure that is no call's, such as bytes that nobody asked for. */
void load_tally_count_fault (LoadTally *tally, const char *kind, const char *text);

guint64 load_tally_get_made (const LoadTally *tally);
guint64 load_tally_get_failed (const LoadTally *tally);

/* The serial history of one register: every acknowledged memory_add gave the
 * total right after it. Checks that there is exactly one order in which the
 * totals arise from `initial` by adding the values, that this order contradicts
 * no pair of calls of which one ended before the other began, and that it ends
 * at `final`. NULL: all holds; else what does not. */
char *load_tally_check_register (LoadTally *tally, gint64 initial, gint64 final);
gint64 load_tally_get_acknowledged_sum (const LoadTally *tally);

/* {"made":..,"ok":..,...}: appended without the closing brace. */
void load_tally_append_json (LoadTally *tally, double seconds, GString *out);

G_END_DECLS
