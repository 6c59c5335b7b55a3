/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-progress.h"

#include <string.h>

struct _ColletProgress
{
  char *name;
  guint weight;
  ColletProgress *parent; /* NULL: the root */
  GPtrArray *steps;       /* ColletProgress */
  guint n_begun;          /* of the steps */
  double part;            /* of something without steps; never 1 */
  gboolean is_finished;
  char *phase; /* the root's */
  ColletProgressFunc func;
  gpointer user_data;
};

/* What has not been finished is not shown as complete, however its parts round. */
#define ALMOST 0.999

static void
progress_free (gpointer data)
{
  collet_progress_free (data);
}

static ColletProgress *
progress_new (const char *name, guint weight, ColletProgress *parent)
{
  ColletProgress *self = g_new0 (ColletProgress, 1);

  self->name = g_strdup (name);
  self->weight = weight;
  self->parent = parent;
  self->steps = g_ptr_array_new_with_free_func (progress_free);
  return self;
}

ColletProgress *
collet_progress_new (const char *name)
{
  ColletProgress *root = progress_new (name, 1, NULL);

  root->phase = g_strdup ("");
  return root;
}

void
collet_progress_free (ColletProgress *root)
{
  if (root == NULL)
    return;
  g_ptr_array_unref (root->steps);
  g_free (root->name);
  g_free (root->phase);
  g_free (root);
}

void
collet_progress_set_func (ColletProgress *root, ColletProgressFunc func, gpointer user_data)
{
  g_return_if_fail (root->parent == NULL);
  root->func = func;
  root->user_data = user_data;
}

/* The step that is under way, or NULL. */
static ColletProgress *
current_step (const ColletProgress *self)
{
  ColletProgress *step = self->n_begun > 0 ? self->steps->pdata[self->n_begun - 1] : NULL;

  return step != NULL && !step->is_finished && !self->is_finished ? step : NULL;
}

static void
changed (ColletProgress *self)
{
  g_autoptr (GString) phase = g_string_new (NULL);
  ColletProgress *root = self;

  while (root->parent != NULL)
    root = root->parent;
  for (const ColletProgress *step = current_step (root); step != NULL; step = current_step (step))
    g_string_append_printf (phase, "%s%s", phase->len > 0 ? "/" : "", step->name);
  g_free (root->phase);
  root->phase = g_string_free (g_steal_pointer (&phase), FALSE);
  if (root->func != NULL)
    root->func (root, root->user_data);
}

void
collet_progress_add_step (ColletProgress *self, const char *name, guint weight)
{
  g_return_if_fail (weight > 0 && self->n_begun == 0 && self->part == 0 && !self->is_finished);
  g_ptr_array_add (self->steps, progress_new (name, weight, self));
}

static void
finish_quietly (ColletProgress *self)
{
  self->is_finished = TRUE;
  for (guint i = 0; i < self->steps->len; i++)
    finish_quietly (self->steps->pdata[i]);
  self->n_begun = self->steps->len;
}

/* Begins the step at `index`; those before it are done. */
static ColletProgress *
begin_at (ColletProgress *self, guint index)
{
  for (guint i = self->n_begun > 0 ? self->n_begun - 1 : 0; i < index; i++)
    finish_quietly (self->steps->pdata[i]);
  self->n_begun = index + 1;
  changed (self);
  return self->steps->pdata[index];
}

ColletProgress *
collet_progress_begin (ColletProgress *self)
{
  g_return_val_if_fail (!self->is_finished, NULL);
  return self->n_begun < self->steps->len ? begin_at (self, self->n_begun) : NULL;
}

ColletProgress *
collet_progress_begin_named (ColletProgress *self, const char *name)
{
  g_return_val_if_fail (!self->is_finished, NULL);
  for (guint i = self->n_begun; i < self->steps->len; i++)
    if (strcmp (((const ColletProgress *)self->steps->pdata[i])->name, name) == 0)
      return begin_at (self, i);
  return NULL;
}

void
collet_progress_set_part (ColletProgress *self, guint64 done, guint64 total)
{
  double part;

  g_return_if_fail (self->steps->len == 0);
  if (total == 0 || self->is_finished)
    return;
  part = MIN ((double)done / (double)total, ALMOST);
  if (part <= self->part)
    return;
  self->part = part;
  changed (self);
}

void
collet_progress_finish (ColletProgress *self)
{
  if (self->is_finished)
    return;
  finish_quietly (self);
  changed (self);
}

double
collet_progress_get_fraction (const ColletProgress *self)
{
  double done = 0, all = 0;

  if (self->is_finished)
    return 1;
  if (self->steps->len == 0)
    return self->part;
  for (guint i = 0; i < self->steps->len; i++)
    {
      const ColletProgress *step = self->steps->pdata[i];
      all += step->weight;
      if (i < self->n_begun)
        done += step->weight * collet_progress_get_fraction (step);
    }
  return MIN (done / all, ALMOST);
}

gboolean
collet_progress_is_finished (const ColletProgress *self)
{
  return self->is_finished;
}

const char *
collet_progress_get_name (const ColletProgress *self)
{
  return self->name;
}

const char *
collet_progress_get_phase (const ColletProgress *root)
{
  g_return_val_if_fail (root->parent == NULL, "");
  return root->phase;
}
