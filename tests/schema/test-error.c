/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-error-remedy.h"
#include "collet-error.h"

#include <errno.h>
#include <gio/gio.h>

static void
test_round_trip (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (int i = 0; i < COLLET_N_ERRORS; i++)
    {
      const char *name = collet_error_name (i);
      g_autofree char *full = g_strconcat (COLLET_ERROR_PREFIX, name, NULL);
      ColletError code;

      g_assert_true (g_hash_table_add (seen, (gpointer)name));
      g_assert_true (collet_error_from_name (name, &code));
      g_assert_cmpint (code, ==, i);
      g_assert_true (collet_error_from_name (full, &code));
      g_assert_cmpint (code, ==, i);
      g_assert_cmpuint (strlen (collet_error_remedy (i)), >, 10);
    }
  g_assert_false (collet_error_from_name ("NoSuchThing", NULL));
  g_assert_false (collet_error_from_name ("org.other.Error.Failed", NULL));
  g_assert_cmpstr (collet_error_name (COLLET_ERROR_MODULE_NOT_LOADED), ==, "ModuleNotLoaded");
  g_assert_cmpstr (collet_error_name (COLLET_ERROR_QUORUM_NOT_REACHED), ==, "QuorumNotReached");
}

static void
test_bus_name (void)
{
  g_autoptr (GError) error = g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_PURGED, "three live");
  g_autofree char *name = g_dbus_error_encode_gerror (error);
  g_autoptr (GError) back = g_dbus_error_new_for_dbus_error (name, "three live");

  g_assert_cmpstr (name, ==, "org.collet.Collet1.Error.NotPurged");
  g_assert_error (back, COLLET_ERROR, COLLET_ERROR_NOT_PURGED);

  back = collet_error_convert (g_steal_pointer (&back));
  g_assert_cmpstr (back->message, ==, "three live");
}

static void
test_errno (void)
{
  g_assert_cmpint (collet_error_of_errno (ENOSPC), ==, COLLET_ERROR_DISK_FULL);
  g_assert_cmpint (collet_error_of_errno (EDQUOT), ==, COLLET_ERROR_DISK_FULL);
  g_assert_cmpint (collet_error_of_errno (EROFS), ==, COLLET_ERROR_STORE_READ_ONLY);
  g_assert_cmpint (collet_error_of_errno (EACCES), ==, COLLET_ERROR_STORE_READ_ONLY);
  g_assert_cmpint (collet_error_of_errno (EIO), ==, COLLET_ERROR_STORE_FAILED);
}

static void
test_foreign (void)
{
  static const struct
  {
    const char *domain;
    int code;
    ColletError expected;
  } cases[] = {
    { "g-io-error-quark", G_IO_ERROR_NO_SPACE, COLLET_ERROR_DISK_FULL },
    { "g-io-error-quark", G_IO_ERROR_CANCELLED, COLLET_ERROR_CANCELLED },
    { "g-io-error-quark", G_IO_ERROR_TIMED_OUT, COLLET_ERROR_TIMEOUT },
    { "g-io-error-quark", G_IO_ERROR_CLOSED, COLLET_ERROR_FAILED },
    { "g-file-error-quark", G_FILE_ERROR_NOSPC, COLLET_ERROR_DISK_FULL },
    { "g-file-error-quark", G_FILE_ERROR_ROFS, COLLET_ERROR_STORE_READ_ONLY },
    { "g-dbus-error-quark", G_DBUS_ERROR_ACCESS_DENIED, COLLET_ERROR_NOT_AUTHORIZED },
    { "g-dbus-error-quark", G_DBUS_ERROR_NO_REPLY, COLLET_ERROR_TIMEOUT },
    { "somebody-else", 3, COLLET_ERROR_FAILED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = g_error_new (g_quark_from_string (cases[i].domain), cases[i].code, "why");

      g_assert_cmpstr (collet_error_name_of (error), ==, collet_error_name (cases[i].expected));
      error = collet_error_convert (g_steal_pointer (&error));
      g_assert_error (error, COLLET_ERROR, (int)cases[i].expected);
      g_assert_cmpstr (error->message, ==, "why");
    }
}

static void
test_remedy (void)
{
  g_autoptr (GError) error =
      g_error_new_literal (COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED, "It is not there");
  g_autoptr (GError) told =
      g_error_new_literal (COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED, "It is not there. Bring it.");
  g_autoptr (GError) foreign = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "It failed");

  for (int turn = 0; turn < 2; turn++)
    {
      error = collet_error_add_remedy (g_steal_pointer (&error));
      g_assert_cmpstr (error->message, ==, "It is not there. Load the module first.");
    }
  told = collet_error_add_remedy (g_steal_pointer (&told));
  g_assert_cmpstr (told->message, ==, "It is not there. Bring it."); /* it knows better */
  foreign = collet_error_add_remedy (g_steal_pointer (&foreign));
  g_assert_cmpstr (foreign->message, ==, "It failed");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/schema/error/names-and-codes-agree-both-ways", test_round_trip);
  g_test_add_func ("/schema/error/keeps-its-name-on-the-bus", test_bus_name);
  g_test_add_func ("/schema/error/foreign-errors-become-named", test_foreign);
  g_test_add_func ("/schema/error/what-a-disk-says-is-named", test_errno);
  g_test_add_func ("/schema/error/says-what-to-do-once", test_remedy);
  return g_test_run ();
}
