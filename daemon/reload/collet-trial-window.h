/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-trial-window.h: the time after a reload in which the new version has to
 * prove itself. A crash, more errors than the old version by a limit, or calls
 * slower than its by a factor, and the old one is published again, by a reload of
 * its own. Main thread.
 */
#pragma once

#include "collet-reloader-private.h"

G_BEGIN_DECLS

/* Calls of a tool below which nothing is said of it. */
#define COLLET_TRIAL_MIN_CALLS 20

/* It is over; the reload's note says how. taken_back (taken): TrialFailed, the
 * old version serves again; NULL: what serves now stays. */
typedef void (*ColletTrialDone) (gpointer user_data, GError *taken_back);

/* Of a reload that has just been published, each of whose modules had a version
 * before. The old generation of one without state stays ready meanwhile. */
void collet_trial_window_open (ColletReloader *reloader, ColletReload *reload, ColletTrialDone done,
                               gpointer user_data);

G_END_DECLS
