/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-prepared-version.h"

#include <glib/gi18n.h>

#include "collet-error.h"

char *
collet_prepared_version_dup (ColletCtl *ctl, const char *module, GError **error)
{
  g_autoptr (GVariant) reply =
      collet_ctl_call (ctl, "GetModuleInfo", g_variant_new ("(s)", module), "(a{sv})", error);
  g_autofree const char **versions = NULL;

  if (reply == NULL)
    return NULL;
  g_autoptr (GVariant) info = g_variant_get_child_value (reply, 0);
  g_variant_lookup (info, "Prepared", "^a&s", &versions);
  if (versions != NULL && versions[0] != NULL && versions[1] == NULL)
    return g_strdup (versions[0]);
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_PREPARED,
               versions == NULL || versions[0] == NULL
                   ? _ ("No version of module \"%s\" is prepared. Prepare one with \"colletctl prepare\"")
                   : _ ("Several versions of module \"%s\" are prepared. Name one of them."),
               module);
  return NULL;
}
