/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-session.h"
#include "mcp-kit.h"

#include <string.h>

#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"

typedef struct
{
  ColletSessionStore base;
  GPtrArray *log;
} FakeStore;

static void
save (ColletSessionStore *store, const ColletSessionRecord *record)
{
  g_ptr_array_add (((FakeStore *)store)->log,
                   g_strdup_printf ("save %s %s %d", record->revision, record->client, record->log_level));
}

static void
forget (ColletSessionStore *store, const char *id)
{
  g_ptr_array_add (((FakeStore *)store)->log, g_strdup ("remove"));
}

static const ColletSessionStoreClass store_class = { save, forget };

static void
test_end (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autofree char *headers = NULL;
  g_autoptr (FakeExchange) end = NULL;
  g_autoptr (FakeExchange) after = NULL;

  kit_initialize (kit, "2025-11-25");
  headers = g_strconcat ("Mcp-Session-Id: ", kit->session, NULL);
  end = kit_send (kit, "DELETE", headers, NULL);
  kit_assert (end, 200, "");
  after = kit_legacy (kit, PING);
  kit_assert (after, 404, "-32001");
}

static void
test_stored (void)
{
  FakeStore store = { { &store_class }, g_ptr_array_new_with_free_func (g_free) };
  ColletMcpConfig config = { .store = &store.base };
  g_autoptr (Kit) kit = kit_new (&config);
  g_autoptr (FakeExchange) level = NULL;
  g_autoptr (FakeExchange) end = NULL;
  g_autofree char *headers = NULL;

  kit_initialize (kit, "2025-06-18");
  level = kit_legacy (
      kit, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"logging/setLevel\",\"params\":{\"level\":\"error\"}}");
  headers = g_strconcat ("Mcp-Session-Id: ", kit->session, NULL);
  end = kit_send (kit, "DELETE", headers, NULL);
  g_assert_cmpuint (store.log->len, ==, 3);
  g_assert_cmpstr (store.log->pdata[0], ==, "save 2025-06-18 kit/1 255");
  g_assert_cmpstr (store.log->pdata[1], ==, "save 2025-06-18 kit/1 4");
  g_assert_cmpstr (store.log->pdata[2], ==, "remove");
  g_ptr_array_unref (store.log);
}

/* Also one that is only read from. */
static void
test_used (void)
{
  FakeStore store = { { &store_class }, g_ptr_array_new_with_free_func (g_free) };
  ColletMcpSessions *sessions = collet_mcp_sessions_new (10, G_USEC_PER_SEC, &store.base);
  g_autoptr (ColletMcpSession) idle = collet_mcp_sessions_add (sessions, COLLET_MCP_LATEST, "idle", 0, 0);
  g_autoptr (ColletMcpSession) used = collet_mcp_sessions_add (sessions, COLLET_MCP_LATEST, "used", 0, 0);
  g_autoptr (ColletMcpSession) busy = collet_mcp_sessions_add (sessions, COLLET_MCP_LATEST, "busy", 0, 0);
  GList call = { 0 };

  g_assert_true (collet_mcp_session_add_call (busy, &call, 1));
  g_usleep (10000);
  collet_mcp_sessions_save_used (sessions, 10000); /* this period begins with all of them */
  g_ptr_array_set_size (store.log, 0);
  g_usleep (10000);
  g_autoptr (ColletMcpSession) found = collet_mcp_sessions_find (sessions, collet_mcp_session_get_id (used));
  collet_mcp_sessions_save_used (sessions, 10 * G_USEC_PER_SEC);
  g_assert_cmpuint (store.log->len, ==, 0);
  collet_mcp_sessions_save_used (sessions, 10000);
  g_assert_cmpuint (store.log->len, ==, 2);
  g_assert_cmpstr (store.log->pdata[0], ==, "save 2025-11-25 busy 255");
  g_assert_cmpstr (store.log->pdata[1], ==, "save 2025-11-25 used 255");
  collet_mcp_session_remove_call (busy, &call);
  collet_mcp_sessions_free (sessions);
  g_ptr_array_unref (store.log);
}

/* A request that is still at work must not bring it back. */
static void
test_removed_for_good (void)
{
  FakeStore store = { { &store_class }, g_ptr_array_new_with_free_func (g_free) };
  ColletMcpSessions *sessions = collet_mcp_sessions_new (10, G_USEC_PER_SEC, &store.base);
  g_autoptr (ColletMcpSession) session = collet_mcp_sessions_add (sessions, COLLET_MCP_LATEST, "", 0, 0);

  collet_mcp_sessions_end (sessions, session);
  collet_mcp_session_set_seen (session, 42);
  collet_mcp_session_set_log_level (session, 3);
  g_assert_cmpuint (store.log->len, ==, 2);
  g_assert_cmpstr (store.log->pdata[1], ==, "remove");
  collet_mcp_sessions_free (sessions);
  g_ptr_array_unref (store.log);
}

static void
test_imported (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  ColletSessionRecord record = { .id = "0123456789abcdef0123456789abcdef",
                                 .revision = "2025-06-18",
                                 .client = "kit/1",
                                 .log_level = 255,
                                 .seen = 5 };
  ColletSessionRecord odd = record;
  g_autoptr (FakeExchange) ping = NULL;
  g_autoptr (FakeExchange) stream = NULL;

  odd.revision = "2030-01-01";
  g_assert_false (collet_mcp_server_import_session (kit->server, &odd));
  odd = record;
  odd.id = "short";
  g_assert_false (collet_mcp_server_import_session (kit->server, &odd));
  g_assert_true (collet_mcp_server_import_session (kit->server, &record));
  g_assert_false (collet_mcp_server_import_session (kit->server, &record));
  kit->session = g_strdup (record.id);
  ping = kit_legacy (kit, PING);
  kit_assert (ping, 200, "{}");
  /* The list is not the one that it knew before the restart. */
  stream = kit_send (kit, "GET",
                     "Accept: text/event-stream\nMcp-Session-Id: 0123456789abcdef0123456789abcdef", NULL);
  g_assert_true (fake_exchange_wait_for (stream, "list_changed"));
}

static void
test_full (void)
{
  ColletMcpConfig config = { .limits = { .max_sessions = 2 } };
  g_autoptr (Kit) kit = kit_new (&config);
  g_autoptr (FakeExchange) third = NULL;

  kit_initialize (kit, "2025-06-18");
  kit_initialize (kit, "2025-06-18");
  third = kit_send (kit, "POST", KIT_LEGACY,
                    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
                    "\"2025-06-18\"}}");
  kit_assert (third, 503, "\"reason\":\"Overloaded\"");
}

static void
test_idle (void)
{
  ColletMcpSessions *sessions = collet_mcp_sessions_new (10, 20000, NULL);
  g_autoptr (ColletMcpSession) idle = collet_mcp_sessions_add (sessions, COLLET_MCP_LATEST, "", 0, 0);
  g_autoptr (ColletMcpSession) used = collet_mcp_sessions_add (sessions, COLLET_MCP_LATEST, "", 0, 0);
  g_autoptr (ColletMcpSession) busy = collet_mcp_sessions_add (sessions, COLLET_MCP_LATEST, "", 0, 0);
  g_autoptr (GPtrArray) list = NULL;
  GList call = { 0 };

  g_assert_true (collet_mcp_session_add_call (busy, &call, 1));
  g_usleep (30000);
  g_autoptr (ColletMcpSession) found = collet_mcp_sessions_find (sessions, collet_mcp_session_get_id (used));
  g_assert_true (found == used);
  list = collet_mcp_sessions_list_idle (sessions);
  g_assert_cmpuint (list->len, ==, 1);
  g_assert_true (list->pdata[0] == idle);
  collet_mcp_sessions_end (sessions, idle);
  g_assert_null (collet_mcp_sessions_find (sessions, collet_mcp_session_get_id (idle)));
  g_assert_cmpuint (collet_mcp_sessions_get_length (sessions), ==, 2);
  collet_mcp_session_remove_call (busy, &call);
  collet_mcp_sessions_free (sessions);
}

static void
test_ids (void)
{
  ColletMcpSessions *sessions = collet_mcp_sessions_new (10000, G_MAXINT64 / 2, NULL);
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < 5000; i++)
    {
      g_autoptr (ColletMcpSession) session = collet_mcp_sessions_add (sessions, COLLET_MCP_LATEST, "", 0, 0);

      g_assert_true (g_hash_table_add (ids, g_strdup (collet_mcp_session_get_id (session))));
    }
  collet_mcp_sessions_free (sessions);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mcp/session/ended-is-not-known", test_end);
  g_test_add_func ("/mcp/session/is-stored", test_stored);
  g_test_add_func ("/mcp/session/in-use-is-stored-now-and-then", test_used);
  g_test_add_func ("/mcp/session/ended-is-not-stored-again", test_removed_for_good);
  g_test_add_func ("/mcp/session/outlives-the-daemon", test_imported);
  g_test_add_func ("/mcp/session/table-is-bounded", test_full);
  g_test_add_func ("/mcp/session/idle-ones-are-found", test_idle);
  g_test_add_func ("/mcp/session/ids-differ", test_ids);
  return g_test_run ();
}
