/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-check.h"

ColletCheck *
collet_check_new (const char *name, ColletCheckOutcome outcome, const char *evidence, const char *remedy)
{
  ColletCheck *check = g_new0 (ColletCheck, 1);

  check->name = g_strdup (name);
  check->outcome = outcome;
  check->evidence = g_strdup (evidence);
  check->remedy = g_strdup (remedy);
  return check;
}

void
collet_check_free (ColletCheck *check)
{
  g_free (check->name);
  g_free (check->evidence);
  g_free (check->remedy);
  g_free (check);
}
