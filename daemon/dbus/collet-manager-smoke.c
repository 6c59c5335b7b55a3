/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods about what a version has to pass before it serves.
 */
#include "collet-manager-methods.h"

#include "collet-error.h"
#include "collet-smoke.h"

#define MAX_TESTS 65536 /* bytes, as of the option "smoke-tests" */

static void
on_set (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;

  if (collet_reloader_set_smoke_tests_finish (COLLET_RELOADER (object), result, &error))
    collet_bus_call_return (data, NULL);
  else
    collet_bus_call_fail (data, error);
}

static void
set_smoke_tests (gpointer object, ColletBusCall *call)
{
  const char *module;
  const char *tests;
  const char *reason = NULL;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &module, &tests, &options);
  g_variant_lookup (options, "reason", "&s", &reason);
  if (strlen (tests) > MAX_TESTS)
    collet_bus_call_fail (call,
                          g_error_new (COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                                       "\"tests\" has %" G_GSIZE_FORMAT " bytes; %d are the most. Set fewer "
                                       "or smaller ones.",
                                       strlen (tests), MAX_TESTS));
  else
    collet_reloader_set_smoke_tests_async (collet_manager_object_get_reloader (object), module, tests,
                                           call->uid, reason, on_set, call);
}

const ColletBusMethod collet_manager_smoke_methods[] = {
  { "SetSmokeTests", set_smoke_tests },
  { NULL, NULL },
};
