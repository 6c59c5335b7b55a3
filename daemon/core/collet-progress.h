/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-progress.h: how far a long piece of work is, as nested steps of
 * different weight. The fraction of the root only grows, and is 1 only when the
 * root is done.
 *
 *   root = collet_progress_new ("reload");
 *   collet_progress_add_step (root, "prepare", 70);
 *   collet_progress_add_step (root, "publish", 5);
 *   collet_progress_add_step (root, "drain", 25);
 *   step = collet_progress_begin (root);   "prepare"; may get steps of its own
 *   collet_progress_set_part (step, 3, 10);
 *   collet_progress_finish (step);
 *   ...
 *   collet_progress_finish (root);
 *
 * For one thread. The steps belong to the root.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColletProgress ColletProgress;

/* Called after each change of the fraction or of what is under way. */
typedef void (*ColletProgressFunc) (ColletProgress *root, gpointer user_data);

ColletProgress *collet_progress_new (const char *name);
/* Frees the root with all its steps. */
void collet_progress_free (ColletProgress *root);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletProgress, collet_progress_free)
void collet_progress_set_func (ColletProgress *root, ColletProgressFunc func, gpointer user_data);

/* Plans a step; all before the first begins. weight > 0, relative to that of its
 * siblings. */
void collet_progress_add_step (ColletProgress *self, const char *name, guint weight);
/* The next step, in order; one that still runs is finished. Borrowed. NULL when
 * there is none left. */
ColletProgress *collet_progress_begin (ColletProgress *self);
/* As begin, passing over the steps before the one of this name (they had nothing
 * to do, and count as done). NULL if it is not ahead. */
ColletProgress *collet_progress_begin_named (ColletProgress *self, const char *name);
/* done of total, for something without steps of its own; less than before is
 * ignored, total 0 too. */
void collet_progress_set_part (ColletProgress *self, guint64 done, guint64 total);
/* Idempotent; the steps in it are finished as well. */
void collet_progress_finish (ColletProgress *self);

/* 0..1 */
double collet_progress_get_fraction (const ColletProgress *self);
gboolean collet_progress_is_finished (const ColletProgress *self);
const char *collet_progress_get_name (const ColletProgress *self);
/* Names of what is under way below `root`, outermost first: "prepare/self-test";
 * "" before the first step and after the last. Borrowed until the next change. */
const char *collet_progress_get_phase (const ColletProgress *root);

G_END_DECLS
