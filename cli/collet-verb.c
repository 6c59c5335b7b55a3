/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-verb.h"

const ColletVerb *const collet_verbs[] = {
  /* clang-format off */ /* one a line */
  &collet_verb_validate,
  &collet_verb_load,
  &collet_verb_reload,
  &collet_verb_watch,
  &collet_verb_prepare,
  &collet_verb_commit,
  &collet_verb_abort,
  &collet_verb_shadow,
  &collet_verb_swap,
  &collet_verb_smoke,
  &collet_verb_rollback,
  &collet_verb_confirm,
  &collet_verb_revert,
  &collet_verb_promote,
  &collet_verb_unload,
  &collet_verb_drain,
  &collet_verb_resume,
  &collet_verb_shutdown,
  &collet_verb_modules,
  &collet_verb_versions,
  &collet_verb_cluster,
  &collet_verb_retain,
  &collet_verb_release,
  &collet_verb_tools,
  &collet_verb_register,
  &collet_verb_unregister,
  &collet_verb_update_version,
  &collet_verb_check,
  &collet_verb_subscribe,
  &collet_verb_unsubscribe,
  &collet_verb_subscriptions,
  &collet_verb_updates,
  &collet_verb_call,
  &collet_verb_code,
  &collet_verb_history,
  &collet_verb_statistics,
  &collet_verb_status,
  &collet_verb_token,
  &collet_verb_key,
  &collet_verb_sign,
  &collet_verb_verify,
  &collet_verb_version,
  NULL,
  /* clang-format on */
};

const ColletVerb *
collet_verb_find (const char *name)
{
  for (guint i = 0; collet_verbs[i] != NULL; i++)
    {
      if (g_str_equal (collet_verbs[i]->name, name))
        return collet_verbs[i];
    }
  return NULL;
}
