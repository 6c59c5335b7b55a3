/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls of one version alone. The lock is the slot's own: that a generation is live
 * and that the call has its lease is one step, as for every other call. */
#include "collet-slot-private.h"

#include "collet-error.h"

static const ColletGenerationSpec *
spec_of (ColletGeneration *generation)
{
  return collet_generation_get_spec (generation);
}

/* Locked. The one that new calls of its version are for comes first; NULL: that
 * were all. What leaves and has no calls left may be at its end already. */
static ColletGeneration *
get_live (ColletSlot *slot, guint index)
{
  guint n = slot->leaving->len;

  if (index == 0)
    return slot->published;
  if (slot->canary != NULL && index == 1)
    return collet_canary_get_candidate (slot->canary);
  index -= slot->canary != NULL ? 2 : 1;
  return index < n ? slot->leaving->pdata[n - 1 - index] : NULL;
}

static gboolean
is_leaving (ColletSlot *slot, ColletGeneration *generation)
{
  return g_ptr_array_find (slot->leaving, generation, NULL);
}

static gboolean
is_at_its_end (ColletSlot *slot, ColletGeneration *generation)
{
  return is_leaving (slot, generation) && collet_generation_get_leases (generation) == 0;
}

ColletGeneration *
collet_slot_lease_version (ColletSlot *slot, const char *sha256)
{
  ColletGeneration *generation;

  for (guint i = 0; (generation = get_live (slot, i)) != NULL; i++)
    {
      if (!g_str_equal (spec_of (generation)->version->sha256, sha256))
        continue;
      if (!is_leaving (slot, generation))
        collet_generation_take_lease (generation);
      else if (!collet_generation_join_lease (generation))
        continue;
      return generation;
    }
  return NULL;
}

/* "1.1.0 (92521fc3cbd9), 1.2.0 (…)" */
static char *
describe_live (ColletSlot *slot)
{
  g_autoptr (GString) text = g_string_new (NULL);
  ColletGeneration *generation;

  for (guint i = 0; (generation = get_live (slot, i)) != NULL; i++)
    {
      const ColletVersion *version = spec_of (generation)->version;

      if (!is_at_its_end (slot, generation))
        g_string_append_printf (text, "%s%s (%.12s)", text->len > 0 ? ", " : "", version->semver,
                                version->sha256);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

GError *
collet_slot_make_mismatch (ColletSlot *slot, const char *text)
{
  g_autofree char *live = describe_live (slot);

  return g_error_new (
      COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH,
      "The version \"%.64s\" of %s takes no calls here. Ask for one that does, or for none: %s.", text,
      slot->module, live);
}

static GError *
make_ambiguous (ColletSlot *slot, const char *text)
{
  g_autofree char *live = describe_live (slot);

  return g_error_new (COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH,
                      "\"%.64s\" is more than one version of %s. Ask by more digits of the SHA-256: %s.",
                      text, slot->module, live);
}

static gboolean
is_named (const ColletVersion *version, const char *text)
{
  return collet_version_matches (version, text) || g_strcmp0 (version->semver, text) == 0;
}

/* Locked. */
static ColletGeneration *
find (ColletSlot *slot, const char *text, GError **error)
{
  ColletGeneration *found = NULL, *generation;

  for (guint i = 0; (generation = get_live (slot, i)) != NULL; i++)
    {
      if (!is_named (spec_of (generation)->version, text) || is_at_its_end (slot, generation))
        continue;
      if (found == NULL)
        found = generation;
      else if (!g_str_equal (spec_of (found)->version->sha256, spec_of (generation)->version->sha256))
        {
          g_propagate_error (error, make_ambiguous (slot, text));
          return NULL;
        }
    }
  if (found == NULL)
    g_propagate_error (error, collet_slot_make_mismatch (slot, text));
  return found;
}

ColletVersion *
collet_slot_find_version (ColletSlot *slot, const char *text, ColletManifest **manifest, GError **error)
{
  ColletVersion *version = NULL;
  ColletGeneration *found = NULL;

  pthread_mutex_lock (&slot->lock);
  if (slot->refusal != NULL)
    g_propagate_error (error, g_error_copy (slot->refusal));
  else if (slot->published == NULL)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED,
                 "No version of %s is loaded. Load one, then call again.", slot->module);
  else
    found = find (slot, text, error);
  if (found != NULL)
    {
      version = collet_version_ref (spec_of (found)->version);
      *manifest = collet_manifest_ref (spec_of (found)->manifest);
    }
  pthread_mutex_unlock (&slot->lock);
  return version;
}

void
collet_slot_note_leaving (ColletSlot *slot, ColletGeneration *former, ColletGeneration *next)
{
  if (next != NULL)
    g_ptr_array_remove (slot->leaving, next); /* it is back */
  if (former != NULL && former != next && !is_leaving (slot, former))
    g_ptr_array_add (slot->leaving, g_object_ref (former));
}

void
collet_slot_forget_leaving (ColletSlot *slot, ColletGeneration *former)
{
  pthread_mutex_lock (&slot->lock);
  g_ptr_array_remove (slot->leaving, former);
  pthread_mutex_unlock (&slot->lock);
}
