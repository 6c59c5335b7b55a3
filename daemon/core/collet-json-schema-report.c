/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a failed validation says, and where.
 */
#include "collet-json-schema-private.h"

#include "collet-error.h"

static void
set_error (ColletSchemaRun *run, ColletJsonNode node, const char *reason)
{
  g_autofree char *pointer = collet_json_dup_pointer (run->json, run->root, node);

  g_set_error (run->error, COLLET_ERROR, run->code, "%s: %s", *pointer != '\0' ? pointer : "the whole value",
               reason);
}

gboolean
collet_schema_fail (ColletSchemaRun *run, ColletJsonNode node, const char *format, ...)
{
  g_autofree char *shown = NULL;
  g_autofree char *allowed = NULL;
  g_autofree char *reason = NULL;
  va_list arguments;

  if (run->quiet > 0 || run->has_given_up)
    return FALSE;
  va_start (arguments, format);
  allowed = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  shown = collet_json_dup_shown (run->json, node);
  reason = g_strdup_printf ("is %s (%s), %s", shown,
                            collet_json_type_name (collet_json_get_type (run->json, node)), allowed);
  set_error (run, node, reason);
  return FALSE;
}

gboolean
collet_schema_fail_plain (ColletSchemaRun *run, ColletJsonNode node, const char *format, ...)
{
  g_autofree char *reason = NULL;
  va_list arguments;

  if (run->quiet > 0 || run->has_given_up)
    return FALSE;
  va_start (arguments, format);
  reason = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  set_error (run, node, reason);
  return FALSE;
}

gboolean
collet_schema_give_up (ColletSchemaRun *run, ColletJsonNode node, const char *reason)
{
  if (!run->has_given_up)
    set_error (run, node, reason);
  run->has_given_up = TRUE;
  return FALSE;
}

gboolean
collet_schema_spend (ColletSchemaRun *run, guint64 steps)
{
  if (steps <= run->steps)
    {
      run->steps -= steps;
      return TRUE;
    }
  run->steps = 0;
  return collet_schema_give_up (run, run->root, "takes too many steps to check against its schema");
}
