/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who may call what: every method of the interfaces for every kind of caller.
 */
#include "collet-bouncer.h"
#include "collet-bus.h"
#include "collet-dbus.h"
#include "collet-error.h"

#include <string.h>

#define DAEMON_UID 1000

typedef enum
{
  NOTHING,
  READ, /* and polkit is asked for the rest */
  EVERYTHING,
} Rights;

static const struct
{
  const char *who;
  gboolean is_system;
  gint64 daemon_uid;
  gint64 uid;
  Rights rights;
} callers[] = {
  { "session bus, owner", FALSE, DAEMON_UID, DAEMON_UID, EVERYTHING },
  { "session bus, root", FALSE, DAEMON_UID, 0, EVERYTHING },
  { "session bus, another user", FALSE, DAEMON_UID, 1001, NOTHING },
  { "session bus, nobody knows who", FALSE, DAEMON_UID, -1, NOTHING },
  { "session bus of root, another user", FALSE, 0, 1001, NOTHING },
  { "system bus, root", TRUE, 0, 0, EVERYTHING },
  { "system bus, a user", TRUE, 0, 1001, READ },
  { "system bus, the daemon's own user", TRUE, DAEMON_UID, DAEMON_UID, READ },
  { "system bus, nobody knows who", TRUE, 0, -1, NOTHING },
};

/* What changes nothing and runs nothing; all other methods are for who may
 * everything. Written here once more, so that the XML cannot change it alone. */
static const char *const harmless[] = {
  "GetObjectCode",
  "GetModuleVersion",
  "GetModuleMd5",
  "GetModuleInfo",
  "ListModules",
  "ListVersions",
  "GetReloadHistory",
  "GetReload",
  "GetTool",
  "ListTools",
  "ListSubscriptions",
  "GetDrainStatus",
  "GetCallStatistics",
  "CheckConsistency",
  "GetClusterVersions",
  "GetMatrix",
  "ListNodes",
  "Wait",
  NULL,
};

static GDBusInterfaceInfo *
get_interface (guint i)
{
  switch (i)
    {
    case 0:
      return collet_dbus_manager_interface_info ();
    case 1:
      return collet_dbus_module_interface_info ();
    case 2:
      return collet_dbus_tool_interface_info ();
    case 3:
      return collet_dbus_reload_interface_info ();
    case 4:
      return collet_dbus_node_interface_info ();
    default:
      return NULL;
    }
}

static ColletBouncerAnswer
get_expected (Rights rights, gboolean is_harmless)
{
  switch (rights)
    {
    case EVERYTHING:
      return COLLET_BOUNCER_YES;
    case READ:
      return is_harmless ? COLLET_BOUNCER_YES : COLLET_BOUNCER_ASK;
    case NOTHING:
    default:
      return COLLET_BOUNCER_NO;
    }
}

static void
check_method (const GDBusMethodInfo *method)
{
  const char *permission = collet_bus_get_permission (method);
  gboolean is_harmless = g_strv_contains (harmless, method->name);

  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      ColletBouncerAnswer answer =
          collet_bouncer_judge (callers[i].is_system, callers[i].daemon_uid, callers[i].uid, permission);

      if (answer != get_expected (callers[i].rights, is_harmless))
        g_error ("%s by %s (%s): the answer is %d", method->name, callers[i].who, permission, answer);
    }
}

static void
test_every_method (void)
{
  GDBusInterfaceInfo *interface;
  guint n_methods = 0;

  for (guint i = 0; (interface = get_interface (i)) != NULL; i++)
    for (guint m = 0; interface->methods != NULL && interface->methods[m] != NULL; m++, n_methods++)
      check_method (interface->methods[m]);
  g_assert_cmpuint (n_methods, >, 50);
}

static void
test_without_permission (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    g_assert_cmpint (collet_bouncer_judge (callers[i].is_system, callers[i].daemon_uid, callers[i].uid, NULL),
                     ==, COLLET_BOUNCER_NO);
}

static void
test_unknown_permission (void)
{
  g_assert_cmpint (collet_bouncer_judge (TRUE, 0, 1001, "read"), ==, COLLET_BOUNCER_NO);
  g_assert_cmpint (collet_bouncer_judge (TRUE, 0, 1001, ""), ==, COLLET_BOUNCER_NO);
  /* polkit does not know it, so it says no */
  g_assert_cmpint (collet_bouncer_judge (TRUE, 0, 1001, COLLET_PERMISSION_PREFIX "read-all"), ==,
                   COLLET_BOUNCER_ASK);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dbus/bouncer/every-method-for-every-caller", test_every_method);
  g_test_add_func ("/dbus/bouncer/method-without-permission-is-nobodys", test_without_permission);
  g_test_add_func ("/dbus/bouncer/unknown-permission-is-not-read", test_unknown_permission);
  return g_test_run ();
}
