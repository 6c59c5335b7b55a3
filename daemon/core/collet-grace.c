/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-grace.h"

#include <string.h>

#define MAX_FORMER 8

struct _ColletGrace
{
  gatomicrefcount ref_count;
  GPtrArray *versions; /* ColletFormerVersion */
};

ColletFormerVersion *
collet_former_version_new (ColletVersion *version, ColletManifest *manifest, gint64 until)
{
  ColletFormerVersion *former = g_new (ColletFormerVersion, 1);

  *former = (ColletFormerVersion){ collet_version_ref (version), collet_manifest_ref (manifest), until };
  return former;
}

void
collet_former_version_free (ColletFormerVersion *former)
{
  if (former == NULL)
    return;
  collet_version_unref (former->version);
  collet_manifest_unref (former->manifest);
  g_free (former);
}

ColletGrace *
collet_grace_renew (const ColletGrace *grace, ColletFormerVersion *former, const char *published, gint64 now)
{
  g_autoptr (GPtrArray) versions =
      g_ptr_array_new_with_free_func ((GDestroyNotify)collet_former_version_free);

  if (former != NULL)
    g_ptr_array_add (versions, former);
  for (guint i = 0; i < collet_grace_get_length (grace) && versions->len < MAX_FORMER; i++)
    {
      const ColletFormerVersion *old = collet_grace_get (grace, i);

      if (old->until > now && strcmp (old->version->sha256, published) != 0 &&
          (former == NULL || strcmp (old->version->sha256, former->version->sha256) != 0))
        g_ptr_array_add (versions, collet_former_version_new (old->version, old->manifest, old->until));
    }
  if (versions->len == 0)
    return NULL;

  ColletGrace *renewed = g_new (ColletGrace, 1);
  g_atomic_ref_count_init (&renewed->ref_count);
  renewed->versions = g_steal_pointer (&versions);
  return renewed;
}

ColletGrace *
collet_grace_ref (ColletGrace *grace)
{
  g_atomic_ref_count_inc (&grace->ref_count);
  return grace;
}

void
collet_grace_unref (ColletGrace *grace)
{
  if (grace == NULL || !g_atomic_ref_count_dec (&grace->ref_count))
    return;
  g_ptr_array_unref (grace->versions);
  g_free (grace);
}

guint
collet_grace_get_length (const ColletGrace *grace)
{
  return grace != NULL ? grace->versions->len : 0;
}

const ColletFormerVersion *
collet_grace_get (const ColletGrace *grace, guint index)
{
  g_return_val_if_fail (index < grace->versions->len, NULL);
  return grace->versions->pdata[index];
}

const ColletManifestTool *
collet_former_version_find_tool (const ColletFormerVersion *former, const char *tool, gint64 now)
{
  return former->until > now ? collet_manifest_find_tool (former->manifest, tool) : NULL;
}

gboolean
collet_grace_has_tool (const ColletGrace *grace, const char *tool, gint64 now)
{
  for (guint i = 0; i < collet_grace_get_length (grace); i++)
    if (collet_former_version_find_tool (grace->versions->pdata[i], tool, now) != NULL)
      return TRUE;
  return FALSE;
}
