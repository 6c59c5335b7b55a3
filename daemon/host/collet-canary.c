/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who gets the new version before everybody does.
 */
#include "collet-slot-private.h"

struct _ColletCanary
{
  ColletGeneration *candidate; /* referenced */
  guint percent;
  GStrv callers;     /* or NULL */
  guint64 uncounted; /* calls without a caller so far */
};

ColletCanary *
collet_canary_new (ColletGeneration *candidate, guint percent, const char *const *callers)
{
  ColletCanary *canary = g_new0 (ColletCanary, 1);

  canary->candidate = g_object_ref (candidate);
  canary->percent = MIN (percent, 100);
  canary->callers = g_strdupv ((GStrv)callers);
  return canary;
}

void
collet_canary_free (ColletCanary *canary)
{
  if (canary == NULL)
    return;
  g_object_unref (canary->candidate);
  g_strfreev (canary->callers);
  g_free (canary);
}

ColletGeneration *
collet_canary_get_candidate (const ColletCanary *canary)
{
  return canary->candidate;
}

/* "name/version" is "name" as well. */
static gboolean
is_client (const char *client, const char *name)
{
  gsize size = strlen (name);

  return strncmp (client, name, size) == 0 && (client[size] == '\0' || client[size] == '/');
}

static gboolean
is_named (const ColletCanary *canary, const ColletCall *call)
{
  for (guint i = 0; canary->callers != NULL && canary->callers[i] != NULL; i++)
    if ((call->caller != NULL && g_str_equal (call->caller, canary->callers[i])) ||
        (call->client != NULL && is_client (call->client, canary->callers[i])))
      return TRUE;
  return FALSE;
}

/* FNV-1a over the module and the caller, so that it is not the same callers who
 * get the new version of every module. */
static guint
place_of (const ColletCanary *canary, const char *caller)
{
  const char *module = collet_generation_get_spec (canary->candidate)->module;
  guint64 hash = 14695981039346656037u;

  for (const char *p = module; *p != '\0'; p++)
    hash = (hash ^ (guchar)*p) * 1099511628211u;
  hash = (hash ^ '/') * 1099511628211u;
  for (const char *p = caller; *p != '\0'; p++)
    hash = (hash ^ (guchar)*p) * 1099511628211u;
  /* Its lower bits alone are not even. */
  hash ^= hash >> 32;
  return (guint)(hash % 100);
}

ColletGeneration *
collet_canary_choose (ColletCanary *canary, const ColletCall *call)
{
  const char *who = call->caller != NULL ? call->caller : call->client;
  gboolean chosen = is_named (canary, call);

  if (!chosen && canary->percent > 0)
    chosen = (who != NULL ? place_of (canary, who) : canary->uncounted++ * 37 % 100) < canary->percent;
  if (!chosen || collet_manifest_find_tool_index (collet_generation_get_spec (canary->candidate)->manifest,
                                                  call->tool) < 0)
    return NULL;
  return canary->candidate;
}
