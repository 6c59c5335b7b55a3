/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-report.h"
#include "collet-cluster-rules.h"
#include "collet-error.h"

#include <string.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define TX "0123456789abcdef"

static gint64 revision;

static void
set (ColletClusterView *view, ColletKeyKind kind, const char *a, const char *b, const char *value)
{
  g_autofree char *key = collet_cluster_key ("c", kind, a, b);
  g_autoptr (ColletKeyValue) row = collet_key_value_new (key, value, 1, ++revision, NULL);

  collet_cluster_view_apply (view, row);
}

static ColletClusterView *
new_view (guint n_nodes, guint n_live)
{
  ColletClusterView *view = collet_cluster_view_new ("c");

  for (guint i = 1; i <= n_nodes; i++)
    {
      g_autofree char *name = g_strdup_printf ("n%u", i);

      set (view, COLLET_KEY_NODE, name, NULL, "{}");
      if (i <= n_live)
        set (view, COLLET_KEY_LIVE, name, NULL, "{}");
    }
  return view;
}

static void
set_applied (ColletClusterView *view, const char *node, int epoch, const char *sha256, const char *state)
{
  g_autofree char *value =
      g_strdup_printf ("{\"epoch\":%d,\"sha256\":\"%s\",\"state\":\"%s\"}", epoch, sha256, state);

  set (view, COLLET_KEY_APPLIED, "echo", node, value);
}

static void
set_desired (ColletClusterView *view, int epoch, const char *sha256)
{
  g_autofree char *value =
      g_strdup_printf ("{\"epoch\":%d,\"sha256\":\"%s\",\"txid\":\"" TX "\"}", epoch, sha256);
  g_autofree char *number = g_strdup_printf ("%d", epoch);

  set (view, COLLET_KEY_DESIRED, "echo", NULL, value);
  set (view, COLLET_KEY_HISTORY, "echo", number, value);
}

/* ---- the view ---- */

static void
note_key (ColletKeyKind kind, const char *a, const char *b, gpointer user_data)
{
  g_string_append_printf (user_data, "%u %s %s,", kind, a, b != NULL ? b : "-");
}

static void
expect_told (GString *told, const char *format, ...)
{
  va_list arguments;
  g_autofree char *expected = NULL;

  va_start (arguments, format);
  expected = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_assert_cmpstr (told->str, ==, expected);
  g_string_truncate (told, 0);
}

static ColletKeyValue *
new_row (ColletKeyKind kind, const char *a, const char *b, const char *value, gint64 mod_rev)
{
  g_autofree char *key = collet_cluster_key ("c", kind, a, b);

  return collet_key_value_new (key, value, 1, mod_rev, NULL);
}

static void
test_news (void)
{
  g_autoptr (ColletClusterView) view = collet_cluster_view_new ("c");
  g_autoptr (GString) told = g_string_new (NULL);
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_key_value_free);
  g_autoptr (ColletKeyValue) gone = new_row (COLLET_KEY_LIVE, "n1", NULL, NULL, 9);
  const ColletNodeRecord *kept;

  collet_cluster_view_set_changed (view, note_key, told);
  g_ptr_array_add (rows, new_row (COLLET_KEY_LIVE, "n1", NULL, "{}", 3));
  g_ptr_array_add (rows, new_row (COLLET_KEY_LOCK, "echo", NULL, TX, 4));
  g_ptr_array_add (rows, new_row (COLLET_KEY_NODE, "n1", NULL, "{}", 2));
  collet_cluster_view_load (view, rows, 4);
  expect_told (told, "%u n1 -,%u echo -,%u n1 -,", COLLET_KEY_LIVE, COLLET_KEY_LOCK, COLLET_KEY_NODE);

  /* The same once more is no news. */
  kept = collet_cluster_view_get (view, COLLET_KEY_NODE, "n1", NULL);
  collet_cluster_view_load (view, rows, 5);
  expect_told (told, "");
  g_assert_true (collet_cluster_view_get (view, COLLET_KEY_NODE, "n1", NULL) == kept);

  /* What is not there any more, and what has a newer revision. */
  g_ptr_array_remove_index (rows, 1);
  g_ptr_array_insert (rows, 0,
                      new_row (COLLET_KEY_APPLIED, "echo", "n1",
                               "{\"epoch\":1,\"sha256\":\"" A "\",\"state\":\"applied\"}", 6));
  collet_cluster_view_load (view, rows, 6);
  expect_told (told, "%u echo n1,%u echo -,", COLLET_KEY_APPLIED, COLLET_KEY_LOCK);
  g_assert_null (collet_cluster_view_get_lock (view, "echo"));

  /* A change: what was known already, what goes, what has gone. */
  collet_cluster_view_apply (view, rows->pdata[0]);
  expect_told (told, "");
  collet_cluster_view_apply (view, gone);
  expect_told (told, "%u n1 -,", COLLET_KEY_LIVE);
  collet_cluster_view_apply (view, gone);
  expect_told (told, "");

  /* Another store: revisions mean nothing. */
  collet_cluster_view_clear (view);
  expect_told (told, "%u echo n1,%u n1 -,", COLLET_KEY_APPLIED, COLLET_KEY_NODE);
  g_assert_null (collet_cluster_view_get (view, COLLET_KEY_NODE, "n1", NULL));
  collet_cluster_view_load (view, rows, 6);
  g_assert_nonnull (collet_cluster_view_get (view, COLLET_KEY_NODE, "n1", NULL));
}

/* Keys as they stand for a view that is whole at revision 5: live/n1, live/n2. */
static ColletClusterView *
new_audited (void)
{
  ColletClusterView *view = collet_cluster_view_new ("c");
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_key_value_free);

  g_ptr_array_add (rows, new_row (COLLET_KEY_LIVE, "n1", NULL, "{}", 3));
  g_ptr_array_add (rows, new_row (COLLET_KEY_LIVE, "n2", NULL, "{}", 5));
  collet_cluster_view_load (view, rows, 5);
  collet_cluster_view_begin_audit (view);
  return view;
}

/* create_rev 0: it is removed. */
static void
tell_view (ColletClusterView *view, const char *node, gint64 create_rev, gint64 mod_rev)
{
  g_autofree char *key = collet_cluster_key ("c", COLLET_KEY_LIVE, node, NULL);
  g_autoptr (ColletKeyValue) row =
      collet_key_value_new (key, create_rev > 0 ? "{}" : NULL, create_rev, mod_rev, NULL);

  collet_cluster_view_apply (view, row);
}

static gboolean
end_audit (ColletClusterView *view, const char *node, gint64 create_rev, gint64 mod_rev, gint64 count,
           gint64 at)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_key_value_free);
  g_autofree char *key = node != NULL ? collet_cluster_key ("c", COLLET_KEY_LIVE, node, NULL) : NULL;

  if (node != NULL)
    g_ptr_array_add (rows, collet_key_value_new (key, "{}", create_rev, mod_rev, NULL));
  return collet_cluster_view_end_audit (view, rows, count, at);
}

static void
test_audit (void)
{
  g_autoptr (ColletClusterView) same = new_audited ();
  g_autoptr (ColletClusterView) missed = new_audited ();
  g_autoptr (ColletClusterView) gone = new_audited ();
  g_autoptr (ColletClusterView) both = new_audited ();
  g_autoptr (ColletClusterView) known = new_audited ();

  g_assert_true (end_audit (same, NULL, 0, 0, 2, 9));
  g_assert_cmpint (collet_cluster_view_get_revision (same), ==, 9);
  tell_view (same, "n3", 8, 8); /* late: it would have been counted */
  g_assert_false (collet_cluster_view_is_live (same, "n3"));

  g_assert_true (end_audit (missed, "n3", 8, 8, 3, 9)); /* put, and not told */
  g_assert_true (collet_cluster_view_is_live (missed, "n3"));

  g_assert_false (end_audit (gone, NULL, 0, 0, 1, 9)); /* removed, and not told */
  g_assert_cmpint (collet_cluster_view_get_revision (gone), ==, 5);

  /* One for the other: as many keys as before. */
  g_assert_false (end_audit (both, "n3", 8, 8, 2, 9));
  g_assert_false (collet_cluster_view_is_live (both, "n3"));

  tell_view (known, "n1", 0, 7);
  g_assert_true (end_audit (known, NULL, 0, 0, 1, 9)); /* removed, and told */
}

/* Told while the answer, of revision 9, was on its way. */
static void
test_audit_and_news (void)
{
  g_autoptr (ColletClusterView) put = new_audited ();
  g_autoptr (ColletClusterView) removed = new_audited ();
  g_autoptr (ColletClusterView) again = new_audited ();
  g_autoptr (ColletClusterView) shortly = new_audited ();
  g_autoptr (ColletClusterView) moved = new_audited ();

  tell_view (put, "n3", 10, 10); /* is not in the count yet */
  g_assert_true (end_audit (put, NULL, 0, 0, 2, 9));
  g_assert_true (collet_cluster_view_is_live (put, "n3"));

  tell_view (removed, "n1", 0, 10); /* still is */
  g_assert_true (end_audit (removed, NULL, 0, 0, 2, 9));
  g_assert_false (collet_cluster_view_is_live (removed, "n1"));

  tell_view (again, "n1", 0, 10);
  tell_view (again, "n1", 11, 11);
  tell_view (again, "n1", 0, 12);
  g_assert_true (end_audit (again, "n2", 5, 8, 2, 9));
  g_assert_false (collet_cluster_view_is_live (again, "n1"));

  /* Put before the answer, told after it was removed again: it does not come back. */
  tell_view (shortly, "n3", 8, 8);
  tell_view (shortly, "n3", 0, 10);
  g_assert_true (end_audit (shortly, "n3", 8, 8, 3, 9));
  g_assert_false (collet_cluster_view_is_live (shortly, "n3"));

  tell_view (moved, "n1", 1, 12); /* newer than what the answer has */
  g_assert_true (end_audit (moved, "n1", 1, 8, 2, 9));
  g_assert_cmpint (collet_cluster_view_get_mod_rev (moved, COLLET_KEY_LIVE, "n1", NULL), ==, 12);
}

/* Somebody else's key below our prefix, of a newer daemon or by hand. */
static void
test_audit_of_foreign_keys (void)
{
  g_autoptr (ColletClusterView) view = collet_cluster_view_new ("c");
  g_autoptr (GString) told = g_string_new (NULL);
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_key_value_free);

  collet_cluster_view_set_changed (view, note_key, told);
  g_ptr_array_add (rows, collet_key_value_new ("/collet/v1/c/of-tomorrow/x", "?", 2, 2, NULL));
  collet_cluster_view_load (view, rows, 2);
  collet_cluster_view_begin_audit (view);
  g_assert_true (end_audit (view, NULL, 0, 0, 1, 4));
  collet_cluster_view_begin_audit (view);
  g_assert_false (end_audit (view, NULL, 0, 0, 0, 4));
  g_assert_cmpstr (told->str, ==, "");
}

static void
test_roll_out_note (void)
{
  g_autoptr (ColletClusterView) view = new_view (1, 1);
  g_autofree char *none = collet_cluster_dup_note (view, "echo", TX, "as it was");

  g_assert_cmpstr (none, ==, "as it was");
  set (view, COLLET_KEY_DESIRED, "echo", NULL,
       "{\"epoch\":2,\"sha256\":\"" A "\",\"txid\":\"" TX "\",\"rollout\":{\"waves\":[[\"n1\"],[\"n2\"]],"
       "\"wave\":0,\"state\":\"paused\",\"message\":\"lunch\"}}");
  g_autofree char *paused = collet_cluster_dup_note (view, "echo", TX, "as it was");
  g_assert_cmpstr (paused, ==, "as it was The roll-out is paused in wave 1 of 2: lunch.");
  g_autofree char *other = collet_cluster_dup_note (view, "echo", "another", "");
  g_assert_null (other);
}

/* ---- keys and records ---- */

static void
test_keys (void)
{
  const char *const names[] = { "echo", "a/b", "ä ö", "%2F", "..", "a b\n", "tx" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      for (guint kind = 0; kind < COLLET_N_KEYS; kind++)
        {
          gboolean has_two = kind == COLLET_KEY_HISTORY || kind == COLLET_KEY_VOTE ||
                             kind == COLLET_KEY_APPLIED || kind == COLLET_KEY_OVERRIDE ||
                             kind == COLLET_KEY_BLOB;
          g_autofree char *key = collet_cluster_key ("c/1", kind, names[i], has_two ? names[i] : NULL);
          g_autofree char *a = NULL;
          g_autofree char *b = NULL;
          ColletKeyKind found;

          g_assert_true (collet_cluster_key_parse ("c/1", key, &found, &a, &b));
          g_assert_cmpint (found, ==, kind);
          g_assert_cmpstr (a, ==, names[i]);
          g_assert_cmpstr (b, ==, has_two ? names[i] : NULL);
          g_assert_false (collet_cluster_key_parse ("c", key, &found, &a, &b));
          for (const char *byte = key; *byte != '\0'; byte++)
            g_assert_true (g_ascii_isgraph (*byte));
        }
    }
}

/* Two nodes may want to take the same reload back: it is done once, and what came after it stays. */
static void
test_revert (void)
{
  g_autoptr (ColletClusterView) view = new_view (3, 3);
  ColletClusterRequest request = {
    .module = "echo", .sha256 = A, .kind = "rollback", .strategy = "sync_all", .reverts = TX
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletSpec) spec = NULL;

  set_desired (view, 2, B);
  spec = collet_cluster_plan (view, &request, "n1", "fedcba9876543210", 5, &error);
  g_assert_no_error (error);
  g_assert_cmpint (spec->base_epoch, ==, 2);
  set (view, COLLET_KEY_DESIRED, "echo", NULL,
       "{\"epoch\":3,\"sha256\":\"" A "\",\"txid\":\"fedcba9876543210\"}");
  g_assert_null (collet_cluster_plan (view, &request, "n2", "1111111111111111", 6, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS);
  g_assert_nonnull (strstr (error->message, "Reload " TX " of echo was followed by another one"));
}

static void
test_hostile (void)
{
  const struct
  {
    ColletKeyKind kind;
    const char *value;
  } cases[] = {
    { COLLET_KEY_DESIRED, "" },
    { COLLET_KEY_DESIRED, "[]" },
    { COLLET_KEY_DESIRED, "{\"epoch\":1}" },
    { COLLET_KEY_DESIRED, "{\"epoch\":-1,\"sha256\":\"" A "\",\"txid\":\"" TX "\"}" },
    { COLLET_KEY_DESIRED, "{\"epoch\":1,\"sha256\":\"../../etc/passwd\",\"txid\":\"" TX "\"}" },
    { COLLET_KEY_DESIRED, "{\"epoch\":1,\"sha256\":\"" A "\",\"txid\":\"x\"}" },
    { COLLET_KEY_LOCK, "x" },
    { COLLET_KEY_SPEC, "{\"txid\":\"" TX "\"}" },
    { COLLET_KEY_APPLIED, "{\"epoch\":1,\"sha256\":7}" },
    { COLLET_KEY_OVERRIDE, "{}" },
    { COLLET_KEY_HISTORY, "{\"epoch\":1,\"epoch\":2}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_null (collet_cluster_record_read (cases[i].kind, cases[i].value));
}

static void
test_spec (void)
{
  g_autoptr (ColletClusterView) view = new_view (4, 4);
  g_autoptr (GPtrArray) waves = g_ptr_array_new ();
  g_auto (GStrv) canary = g_strsplit ("n3", ",", 0);
  g_auto (GStrv) half = g_strsplit ("50%", ",", 0);
  ColletRollout rollout = { .waves = waves, .bake_s = 7, .max_error_rate = 0.05, .min_calls = 3 };
  const ColletClusterRequest request = {
    .module = "echo",
    .sha256 = A,
    .version = "1.2.3",
    .kind = "hot-reload",
    .strategy = "rolling",
    .reason = "\"quoted\"\n",
    .options = "{\"discard-state\":true}",
    .uid = 1000,
    .clear_overrides = TRUE,
    .rollout = &rollout,
  };
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (waves, canary);
  g_ptr_array_add (waves, half);
  g_autoptr (ColletSpec) spec = collet_cluster_plan (view, &request, "n1", TX, 5, &error);
  g_assert_no_error (error);
  g_autofree char *text = collet_spec_write (spec);
  g_autoptr (ColletSpec) again = collet_cluster_record_read (COLLET_KEY_SPEC, text);
  g_assert_nonnull (again);
  g_autofree char *same = collet_spec_write (again);
  g_assert_cmpstr (text, ==, same);
  g_assert_cmpstr (again->reason, ==, request.reason);
  g_assert_cmpuint (again->rollout->waves->len, ==, 3);
  g_assert_cmpuint (collet_rollout_wave_of (again->rollout, "n3"), ==, 0);
  g_assert_cmpuint (collet_rollout_wave_of (again->rollout, "n1"), ==, 1);
  g_assert_cmpuint (collet_rollout_wave_of (again->rollout, "n2"), ==, 2);
  g_assert_cmpuint (collet_rollout_wave_of (again->rollout, "n9"), ==, 2);
  g_assert_cmpfloat (again->rollout->max_error_rate, ==, 0.05);
}

/* ---- beginning ---- */

static void
expect_plan (const ColletClusterView *view, const char *strategy, gboolean require_live, int code,
             const char *says)
{
  const ColletClusterRequest request = {
    .module = "echo",
    .sha256 = A,
    .kind = "hot-reload",
    .strategy = strategy,
    .require_live = require_live,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletSpec) spec =
      collet_cluster_plan (view, &request, "n1", TX, 9 * (gint64)G_USEC_PER_SEC, &error);

  if (code < 0)
    {
      g_assert_no_error (error);
      g_assert_nonnull (spec);
      return;
    }
  g_assert_error (error, COLLET_ERROR, code);
  if (strstr (error->message, says) == NULL)
    g_error ("no \"%s\" in: %s", says, error->message);
}

static void
test_plan (void)
{
  g_autoptr (ColletClusterView) view = new_view (3, 2);

  expect_plan (view, "sync_all", FALSE, COLLET_ERROR_NODE_FAILED, "down: n3");
  expect_plan (view, "sync_all", TRUE, -1, NULL);
  expect_plan (view, "quorum", FALSE, -1, NULL);
  set (view, COLLET_KEY_LIVE, "n2", NULL, NULL);
  expect_plan (view, "quorum", FALSE, COLLET_ERROR_QUORUM_NOT_REACHED, "down: n2, n3");

  set (view, COLLET_KEY_LOCK, "echo", NULL, TX);
  set (view, COLLET_KEY_SPEC, TX, NULL,
       "{\"txid\":\"" TX "\",\"module\":\"echo\",\"sha256\":\"" A
       "\",\"kind\":\"swap\",\"strategy\":\"quorum\","
       "\"participants\":[\"n1\"],\"coordinator\":\"n2\",\"timeout_ms\":1000,\"started_at\":5000000}");
  expect_plan (view, "quorum", FALSE, COLLET_ERROR_RELOAD_IN_PROGRESS,
               "Reload " TX " of echo is in progress (by n2, 4 s)");
}

/* ---- votes ---- */

static void
expect_tally (const ColletClusterView *view, const char *strategy, gboolean is_expired,
              ColletTallyVerdict verdict, const char *name, const char *says)
{
  g_auto (GStrv) participants = g_strsplit ("n1,n2,n3,n4", ",", 0);
  const ColletSpec spec = {
    .txid = (char *)TX, .strategy = (char *)strategy, .participants = participants, .timeout_ms = 30000
  };
  g_autofree char *error = NULL;
  g_autofree char *message = NULL;

  g_assert_cmpint (collet_cluster_tally (view, &spec, is_expired, &error, &message), ==, verdict);
  g_assert_cmpstr (error, ==, name);
  if (says != NULL && strstr (message, says) == NULL)
    g_error ("no \"%s\" in: %s", says, message);
}

static void
vote (ColletClusterView *view, const char *node, const char *value)
{
  set (view, COLLET_KEY_VOTE, TX, node, value);
}

static void
test_tally (void)
{
  g_autoptr (ColletClusterView) view = new_view (4, 4);

  vote (view, "n1", "{\"yes\":true}");
  vote (view, "n2", "{\"yes\":true}");
  expect_tally (view, "sync_all", FALSE, COLLET_TALLY_WAIT, NULL, NULL);
  expect_tally (view, "quorum", FALSE, COLLET_TALLY_WAIT, NULL, NULL); /* half is no majority */
  expect_tally (view, "sync_all", TRUE, COLLET_TALLY_ABORT, "Timeout", "no vote within 30000 ms: n3, n4");
  expect_tally (view, "quorum", TRUE, COLLET_TALLY_ABORT, "QuorumNotReached", "2 of 4 nodes agreed");
  set (view, COLLET_KEY_LIVE, "n3", NULL, NULL);
  expect_tally (view, "sync_all", FALSE, COLLET_TALLY_ABORT, "NodeFailed", "n3 lost (lease expired)");
  expect_tally (view, "quorum", FALSE, COLLET_TALLY_WAIT, NULL, NULL);
  vote (view, "n3", "{\"yes\":true}"); /* it stands, whatever became of its node */
  expect_tally (view, "sync_all", FALSE, COLLET_TALLY_WAIT, NULL, NULL);
  expect_tally (view, "quorum", FALSE, COLLET_TALLY_COMMIT, NULL, NULL);
  vote (view, "n4", "{\"yes\":true}");
  expect_tally (view, "sync_all", TRUE, COLLET_TALLY_COMMIT, NULL, NULL);

  vote (view, "n3", "{\"yes\":false,\"error\":\"DiskFull\",\"message\":\"disk full\"}");
  expect_tally (view, "sync_all", FALSE, COLLET_TALLY_ABORT, "NodeFailed", "n3 refused: DiskFull: disk full");
  expect_tally (view, "quorum", FALSE, COLLET_TALLY_COMMIT, NULL, NULL);
  vote (view, "n4", "{\"yes\":false}");
  expect_tally (view, "quorum", FALSE, COLLET_TALLY_ABORT, "QuorumNotReached",
                "2 of 4 nodes refused; n3 refused");
}

/* ---- consistency ---- */

static void
expect_verdict (const ColletClusterView *view, const char *verdict, guint differing, guint unreachable)
{
  g_autoptr (ColletConsistency) all = collet_cluster_check (view, "echo", NULL);

  g_assert_cmpstr (all->verdict, ==, verdict);
  g_assert_cmpuint (all->differing->len, ==, differing);
  g_assert_cmpuint (all->unreachable->len, ==, unreachable);
}

static void
test_consistency (void)
{
  g_autoptr (ColletClusterView) view = new_view (3, 3);
  g_autoptr (GError) error = NULL;

  g_assert_null (collet_cluster_check (view, "echo", &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND);
  set_desired (view, 1, A);
  set_applied (view, "n1", 1, A, "applied");
  set_applied (view, "n2", 1, A, "applied");
  expect_verdict (view, "inconsistent", 1, 0);
  set_applied (view, "n3", 1, A, "applied");
  expect_verdict (view, "consistent", 0, 0);
  set_applied (view, "n3", 1, B, "failed");
  expect_verdict (view, "inconsistent", 1, 0);
  set_applied (view, "n3", 1, A, "applied");
  set (view, COLLET_KEY_OVERRIDE, "echo", "n2", "{\"sha256\":\"" B "\"}");
  expect_verdict (view, "inconsistent", 1, 0);
  set (view, COLLET_KEY_OVERRIDE, "echo", "n2", NULL);
  /* Who does not answer is not in line. */
  set (view, COLLET_KEY_LIVE, "n3", NULL, NULL);
  expect_verdict (view, "unknown", 0, 1);
  set (view, COLLET_KEY_LOCK, "echo", NULL, TX);
  expect_verdict (view, "rolling", 0, 1);
}

/* ---- what to bring everywhere ---- */

static void
expect_common (const ColletClusterView *view, const char *expected)
{
  g_autofree char *version = NULL;
  g_autofree char *sha256 = collet_cluster_sync_target (view, "echo", FALSE, &version, NULL);

  g_assert_cmpstr (sha256, ==, expected);
}

static void
test_sync (void)
{
  g_autoptr (ColletClusterView) view = new_view (4, 4);
  g_autofree char *version = NULL;

  expect_common (view, NULL);
  set_applied (view, "n1", 1, C, "applied");
  set_applied (view, "n2", 1, C, "applied");
  set_applied (view, "n3", 1, B, "applied");
  set_applied (view, "n4", 1, A, "applied");
  expect_common (view, C);
  set_applied (view, "n3", 1, A, "applied");
  expect_common (view, A); /* a tie, none was ever agreed: the smallest */
  set_desired (view, 1, C);
  expect_common (view, C); /* one that was agreed goes before one that never was */
  set_desired (view, 2, A);
  expect_common (view, A); /* the one agreed last */
  set (view, COLLET_KEY_LIVE, "n4", NULL, NULL);
  expect_common (view, C); /* who is down is not counted */
  g_autofree char *desired = collet_cluster_sync_target (view, "echo", TRUE, &version, NULL);
  g_assert_cmpstr (desired, ==, A);
}

static void
test_rollback (void)
{
  g_autoptr (ColletClusterView) view = new_view (1, 1);
  g_autoptr (GError) error = NULL;

  set_desired (view, 1, A);
  g_assert_null (collet_cluster_rollback_target (view, "echo", "", &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND);
  set_desired (view, 2, B);
  set_desired (view, 3, C);
  set_desired (view, 4, C);
  g_assert_cmpstr (collet_cluster_rollback_target (view, "echo", "", NULL)->sha256, ==, B);
  g_assert_cmpstr (collet_cluster_rollback_target (view, "echo", "aaaaaa", NULL)->sha256, ==, A);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cluster/view/only-what-is-new-is-told", test_news);
  g_test_add_func ("/cluster/view/an-audit-finds-what-was-not-told", test_audit);
  g_test_add_func ("/cluster/view/an-audit-and-what-is-told-meanwhile-agree", test_audit_and_news);
  g_test_add_func ("/cluster/view/a-foreign-key-is-counted-and-nothing-else", test_audit_of_foreign_keys);
  g_test_add_func ("/cluster/view/how-far-a-roll-out-is", test_roll_out_note);
  g_test_add_func ("/cluster/keys/any-name-comes-back", test_keys);
  g_test_add_func ("/cluster/records/nonsense-is-none", test_hostile);
  g_test_add_func ("/cluster/records/a-spec-comes-back-with-its-waves", test_spec);
  g_test_add_func ("/cluster/rules/who-may-begin", test_plan);
  g_test_add_func ("/cluster/rules/a-reload-is-taken-back-once", test_revert);
  g_test_add_func ("/cluster/rules/what-votes-mean", test_tally);
  g_test_add_func ("/cluster/rules/consistent-means-everyone", test_consistency);
  g_test_add_func ("/cluster/rules/the-common-version", test_sync);
  g_test_add_func ("/cluster/rules/the-version-before", test_rollback);
  return g_test_run ();
}
