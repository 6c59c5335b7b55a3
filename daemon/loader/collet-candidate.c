/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-candidate.h"

#include "collet-check.h"
#include "collet-error-remedy.h"

ColletCandidate *
collet_candidate_new (const char *source)
{
  ColletCandidate *self = g_new0 (ColletCandidate, 1);

  self->source = g_strdup (source);
  self->checks = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_check_free);
  return self;
}

void
collet_candidate_free (ColletCandidate *self)
{
  g_free (self->source);
  g_free (self->path);
  g_clear_pointer (&self->version, collet_version_unref);
  g_clear_pointer (&self->manifest, collet_manifest_unref);
  g_ptr_array_unref (self->checks);
  g_clear_error (&self->error);
  g_free (self);
}

void
collet_candidate_add_check (ColletCandidate *self, const char *name, ColletCheckOutcome outcome,
                            const char *evidence, const char *remedy)
{
  g_ptr_array_add (self->checks, collet_check_new (name, outcome, evidence, remedy));
}

void
collet_candidate_fail (ColletCandidate *self, const char *name, GError *error)
{
  const char *remedy = error->domain == COLLET_ERROR ? collet_error_remedy ((ColletError)error->code) : NULL;

  collet_candidate_add_check (self, name, COLLET_CHECK_FAILED, error->message, remedy);
  if (self->error == NULL)
    self->error = error;
  else
    g_error_free (error);
}

void
collet_candidate_skip (ColletCandidate *self, const char *name)
{
  collet_candidate_add_check (self, name, COLLET_CHECK_SKIPPED, "An earlier check failed.", NULL);
}

gboolean
collet_candidate_has_check (ColletCandidate *self, const char *name)
{
  for (guint i = 0; i < self->checks->len; i++)
    {
      const ColletCheck *check = g_ptr_array_index (self->checks, i);
      if (g_str_equal (check->name, name))
        return TRUE;
    }
  return FALSE;
}
