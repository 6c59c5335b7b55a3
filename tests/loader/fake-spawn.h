/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fake-spawn.h: a ColletSpawn without processes. What becomes of an artifact is
 * written in its bytes: "crash-read", "crash-run", "exit-run", "hang-run",
 * "poison" (the next one in the same child dies), "greedy" (those after it in the same
 * child fail), "no-manifest", "liar" (two
 * reports in one), "noise" (no report), "stateful", "fail", "refuse-all"
 * (SpawnFailed); any other is a good module of that name.
 */
#pragma once

#include "collet-spawn.h"

ColletSpawn *fake_spawn_new (void);
/* Children so far. */
guint fake_spawn_get_children (ColletSpawn *self);
