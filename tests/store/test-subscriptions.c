/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-error.h"
#include "store-fixture.h"

#define USER 1000
#define OTHER 1001

typedef struct
{
  char *folder;
  ColletStore *store;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  ColletStoreImage *image = NULL;

  fixture->folder = fixture_folder_new ();
  fixture->store = fixture_open (fixture->folder, &image);
  collet_store_image_free (image);
  fixture_reload_module (fixture->store, "0001", "echo", 0, 'a', 1, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  fixture_close (fixture->store);
  fixture_folder_free (fixture->folder);
}

/* The bare name of the error, or NULL. Takes it. */
static const char *
name_of (GError *error)
{
  const char *name = error != NULL ? collet_error_name_of (error) : NULL;

  g_clear_error (&error);
  return name;
}

static const char *
subscribe (Fixture *fixture, const char *subscriber, gint64 uid, const char *tool)
{
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;
  guint64 sequence = 0;

  collet_store_subscribe_async (fixture->store, subscriber, uid, tool, fixture_on_answer, &result);
  fixture_wait (&result);
  collet_store_subscribe_finish (fixture->store, result, &sequence, &error);
  return name_of (error);
}

static const char *
unsubscribe (Fixture *fixture, const char *subscriber, gint64 uid, const char *tool)
{
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;
  gboolean existed = FALSE;

  collet_store_unsubscribe_async (fixture->store, subscriber, uid, tool, fixture_on_answer, &result);
  fixture_wait (&result);
  collet_store_unsubscribe_finish (fixture->store, result, &existed, &error);
  return name_of (error);
}

/* "updated", "same" or the error. */
static const char *
look (Fixture *fixture, const char *subscriber, gint64 uid, const char *tool)
{
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;

  collet_store_check_tool_async (fixture->store, subscriber, uid, tool, fixture_on_answer, &result);
  fixture_wait (&result);
  g_autoptr (ColletToolCheck) check = collet_store_check_tool_finish (fixture->store, result, &error);
  if (check == NULL)
    return name_of (error);
  return check->is_updated ? "updated" : "same";
}

/* How many, or -1 for an error. */
static int
count_updates (Fixture *fixture, const char *subscriber, gint64 uid)
{
  g_autoptr (GAsyncResult) result = NULL;

  collet_store_updates_async (fixture->store, subscriber, uid, 0, 1000, fixture_on_answer, &result);
  fixture_wait (&result);
  g_autoptr (ColletUpdateList) list = collet_store_updates_finish (fixture->store, result, NULL);
  return list != NULL ? (int)list->updates->len : -1;
}

static void
test_owner (Fixture *fixture, gconstpointer unused)
{
  g_assert_null (subscribe (fixture, "ci", USER, "echo"));
  g_assert_cmpstr (subscribe (fixture, "ci", OTHER, "*"), ==, "NotAuthorized");
  g_assert_cmpstr (unsubscribe (fixture, "ci", OTHER, "echo"), ==, "NotAuthorized");
  g_assert_cmpstr (look (fixture, "ci", OTHER, "echo"), ==, "NotAuthorized");
  g_assert_cmpint (count_updates (fixture, "ci", OTHER), ==, -1);
  g_assert_null (subscribe (fixture, "ci", 0, "*")); /* the administrator may */
  g_assert_null (unsubscribe (fixture, "ci", USER, "echo"));
  g_assert_null (unsubscribe (fixture, "ci", USER, "*"));
  g_assert_null (subscribe (fixture, "ci", OTHER, "echo")); /* free again */
}

static void
test_look_owns (Fixture *fixture, gconstpointer unused)
{
  g_assert_cmpstr (look (fixture, "ci", USER, "echo"), ==, "same");
  g_assert_cmpstr (look (fixture, "ci", OTHER, "echo"), ==, "NotAuthorized");
  g_assert_cmpstr (look (fixture, "ci", USER, "absent"), ==, "NotFound");
}

static void
test_names_limit (Fixture *fixture, gconstpointer unused)
{
  for (int i = 0; i < COLLET_SUBSCRIBER_NAMES_OF_UID; i++)
    {
      g_autofree char *name = g_strdup_printf ("n%d", i);
      g_assert_null (subscribe (fixture, name, USER, "echo"));
    }
  g_assert_cmpstr (subscribe (fixture, "more", USER, "echo"), ==, "Overloaded");
  g_assert_cmpstr (look (fixture, "more", USER, "echo"), ==, "Overloaded");
  g_assert_null (subscribe (fixture, "more", OTHER, "echo"));
  g_autofree char *n = fixture_query (fixture->folder, "SELECT count (*) FROM subscriber");
  g_assert_cmpint (atoi (n), ==, COLLET_SUBSCRIBER_NAMES_OF_UID + 1);
}

static void
test_subscriptions_limit (Fixture *fixture, gconstpointer unused)
{
  g_assert_null (subscribe (fixture, "ci", USER, "echo"));
  g_assert_null (fixture_sql (
      fixture->folder, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4095) "
                       "INSERT INTO subscription SELECT 'ci', 't' || i, 1000, 0, 0 FROM n"));
  g_assert_cmpstr (subscribe (fixture, "ci", USER, "*"), ==, "Overloaded");
  g_assert_null (subscribe (fixture, "ci", USER, "echo")); /* there already */
}

static void
test_events (Fixture *fixture, gconstpointer unused)
{
  g_assert_null (subscribe (fixture, "ci", USER, "echo"));
  g_assert_null (subscribe (fixture, "all", USER, "*"));
  fixture_reload_module (fixture->store, "0002", "echo", 'a', 'b', 2, NULL);
  fixture_reload_module (fixture->store, "0003", "other", 0, 'c', 1, NULL);
  g_assert_cmpint (count_updates (fixture, "ci", USER), ==, 1);
  g_assert_cmpint (count_updates (fixture, "all", USER), ==, 2);
  g_assert_cmpint (count_updates (fixture, "nobody", USER), ==, 0);
  /* A commit that fails tells nobody. */
  const char *name = NULL;
  ColletCommit *commit = fixture_commit ("0009", "echo", 'd', 3, NULL);
  g_assert_false (fixture_do_commit (fixture->store, commit, NULL, &name));
  g_assert_cmpint (count_updates (fixture, "all", USER), ==, 2);
  g_assert_cmpstr (look (fixture, "all", USER, "other"), ==, "updated"); /* it came after */
  g_assert_cmpstr (look (fixture, "all", USER, "other"), ==, "same");
}

static void
test_image (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (ColletStoreImage) image = NULL;

  g_assert_null (subscribe (fixture, "ci", USER, "*"));
  g_assert_null (subscribe (fixture, "ci", USER, "echo"));
  fixture_close (fixture->store);
  fixture->store = fixture_open (fixture->folder, &image);
  g_assert_cmpuint (image->subscriptions->len, ==, 2);
  const ColletSubscriptionRow *row = image->subscriptions->pdata[1];
  g_assert_cmpstr (row->tool, ==, "echo");
  g_assert_cmpint (row->uid, ==, USER);
  g_assert_cmpuint (row->sequence, ==, 1);
  const ColletToolRow *tool = image->tools->pdata[0];
  g_assert_cmpuint (tool->sequence, ==, 1);
  g_assert_cmpint (tool->updated_at, >, 0);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *, gconstpointer);
  } tests[] = {
    { "/store/subscription/name-belongs-to-who-gave-it-first", test_owner },
    { "/store/subscription/look-claims-a-name", test_look_owns },
    { "/store/subscription/names-of-a-user-are-bounded", test_names_limit },
    { "/store/subscription/subscriptions-of-a-name-are-bounded", test_subscriptions_limit },
    { "/store/subscription/events-are-of-the-commit-that-stands", test_events },
    { "/store/subscription/comes-back-with-the-image", test_image },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}
