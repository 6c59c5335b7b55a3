/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-etcd-json.h"

#include "collet-error.h"

#include <string.h>

/* gRPC's codes */
#define CODE_INVALID_ARGUMENT 3
#define CODE_NOT_FOUND 5
#define CODE_PERMISSION_DENIED 7
#define CODE_RESOURCE_EXHAUSTED 8
#define CODE_OUT_OF_RANGE 11
#define CODE_UNIMPLEMENTED 12
#define CODE_UNAUTHENTICATED 16

/* ---- requests ---- */

static void
append_base64 (GString *out, const char *name, const char *text)
{
  g_autofree char *encoded = g_base64_encode ((const guchar *)text, strlen (text));

  g_string_append_printf (out, "\"%s\":\"%s\"", name, encoded);
}

static void
append_prefix (GString *out, const char *prefix)
{
  g_autofree char *end = collet_txn_prefix_end (prefix);

  append_base64 (out, "key", prefix);
  g_string_append_c (out, ',');
  append_base64 (out, "range_end", end);
}

static void
append_compare (GString *out, const ColletCompare *compare)
{
  g_string_append_c (out, '{');
  append_base64 (out, "key", compare->key);
  g_string_append (out, ",\"result\":\"EQUAL\",");
  if (compare->mod_rev >= 0)
    {
      g_string_append_printf (out, "\"target\":\"MOD\",\"mod_revision\":\"%" G_GINT64_FORMAT "\"",
                              compare->mod_rev);
    }
  else
    {
      g_string_append (out, "\"target\":\"VALUE\",");
      append_base64 (out, "value", compare->value);
    }
  g_string_append_c (out, '}');
}

static void
append_op (GString *out, const ColletOp *op, const char *lease)
{
  switch (op->kind)
    {
    case COLLET_OP_PUT:
      g_string_append (out, "{\"request_put\":{");
      append_base64 (out, "key", op->key);
      g_string_append_c (out, ',');
      append_base64 (out, "value", op->value);
      if (op->is_leased)
        g_string_append_printf (out, ",\"lease\":\"%s\"", lease);
      break;
    case COLLET_OP_DELETE:
      g_string_append (out, "{\"request_delete_range\":{");
      append_base64 (out, "key", op->key);
      break;
    case COLLET_OP_DELETE_PREFIX:
      g_string_append (out, "{\"request_delete_range\":{");
      append_prefix (out, op->key);
      break;
    case COLLET_OP_GET:
      g_string_append (out, "{\"request_range\":{");
      append_base64 (out, "key", op->key);
      break;
    case COLLET_OP_RANGE:
      g_string_append (out, "{\"request_range\":{");
      append_prefix (out, op->key);
      if (op->since > 0)
        g_string_append_printf (out, ",\"min_mod_revision\":\"%" G_GINT64_FORMAT "\"", op->since);
      break;
    case COLLET_OP_COUNT:
      g_string_append (out, "{\"request_range\":{");
      append_prefix (out, op->key);
      g_string_append (out, ",\"count_only\":true");
      break;
    case COLLET_OP_END_SESSION: /* a lease is revoked by a call of its own */
    default:
      g_assert_not_reached ();
    }
  g_string_append (out, "}}");
}

static void
append_ops (GString *out, const char *name, GPtrArray *ops, const char *lease)
{
  g_string_append_printf (out, ",\"%s\":[", name);
  for (guint i = 0; i < ops->len; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      append_op (out, ops->pdata[i], lease);
    }
  g_string_append_c (out, ']');
}

char *
collet_etcd_json_txn (const ColletTxn *txn)
{
  GString *out = g_string_new ("{\"compare\":[");

  for (guint i = 0; i < txn->compares->len; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      append_compare (out, txn->compares->pdata[i]);
    }
  g_string_append_c (out, ']');
  append_ops (out, "success", txn->then_ops, txn->session);
  append_ops (out, "failure", txn->else_ops, txn->session);
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}

char *
collet_etcd_json_watch (const char *prefix, gint64 from_revision)
{
  GString *out = g_string_new ("{\"create_request\":{");

  append_prefix (out, prefix);
  g_string_append_printf (out, ",\"start_revision\":\"%" G_GINT64_FORMAT "\"}}", from_revision);
  return g_string_free (out, FALSE);
}

char *
collet_etcd_json_newest (const char *prefix)
{
  GString *out = g_string_new ("{");

  append_prefix (out, prefix);
  g_string_append (out,
                   ",\"limit\":\"1\",\"sort_order\":\"DESCEND\",\"sort_target\":\"MOD\",\"keys_only\":true}");
  return g_string_free (out, FALSE);
}

char *
collet_etcd_json_grant (guint ttl_s)
{
  return g_strdup_printf ("{\"TTL\":\"%u\"}", ttl_s);
}

char *
collet_etcd_json_lease (const char *lease)
{
  return g_strdup_printf ("{\"ID\":\"%s\"}", lease);
}

/* ---- answers ---- */

/* A number or, as the gateway writes 64 bits, a string; absent is 0. */
static gboolean
read_int (const ColletJson *json, ColletJsonNode object, const char *name, gint64 *value)
{
  ColletJsonNode node = collet_json_member (json, object, name);
  g_autofree char *text = NULL;

  *value = 0;
  if (node == 0)
    return TRUE;
  if (collet_json_get_int64 (json, node, value))
    return TRUE;
  text = collet_json_dup_string (json, node);
  return text != NULL && g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, value, NULL);
}

/* Absent is "". NULL: no base64, or not the text that we write. */
static char *
dup_base64 (const ColletJson *json, ColletJsonNode object, const char *name)
{
  ColletJsonNode node = collet_json_member (json, object, name);
  g_autofree char *text = NULL;
  g_autofree guchar *bytes = NULL;
  gsize size = 0;

  if (node == 0)
    return g_strdup ("");
  text = collet_json_dup_string (json, node);
  if (text == NULL)
    return NULL;
  bytes = g_base64_decode (text, &size);
  return g_utf8_validate_len ((const char *)bytes, size, NULL) ? g_strndup ((const char *)bytes, size) : NULL;
}

/* A lease's id is echoed into requests: digits only. */
static char *
dup_id (const ColletJson *json, ColletJsonNode object, const char *name)
{
  gint64 value;

  if (!read_int (json, object, name, &value) || value == 0)
    return NULL;
  return g_strdup_printf ("%" G_GINT64_FORMAT, value);
}

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED,
               "etcd's answer is not understood: %s. Is the address that of an etcd server, 3.4 or later?",
               what);
  return FALSE;
}

static ColletKeyValue *
read_kv (const ColletJson *json, ColletJsonNode node)
{
  g_autofree char *key = dup_base64 (json, node, "key");
  g_autofree char *value = dup_base64 (json, node, "value");
  g_autofree char *session = dup_id (json, node, "lease");
  gint64 create_rev, mod_rev;

  if (key == NULL || value == NULL || !read_int (json, node, "create_revision", &create_rev) ||
      !read_int (json, node, "mod_revision", &mod_rev))
    return NULL;
  return collet_key_value_new (key, value, create_rev, mod_rev, session);
}

gint64
collet_etcd_json_read_revision (const ColletJson *json, ColletJsonNode root)
{
  gint64 revision;

  return read_int (json, collet_json_member (json, root, "header"), "revision", &revision) ? revision : 0;
}

/* A number of 64 bits without a sign, as text: it is only compared. */
char *
collet_etcd_json_dup_store_id (const ColletJson *json, ColletJsonNode root)
{
  ColletJsonNode header = collet_json_member (json, root, "header");

  return collet_json_dup_string (json, collet_json_member (json, header, "cluster_id"));
}

static gboolean
read_count (const ColletJson *json, ColletJsonNode response, gint64 *count, GError **error)
{
  ColletJsonNode range = collet_json_member (json, response, "response_range");

  return (range != 0 && read_int (json, range, "count", count) && *count >= 0) ||
         fail (error, "a count is no number");
}

static gboolean
read_range (const ColletJson *json, ColletJsonNode response, GPtrArray *rows, GError **error)
{
  ColletJsonNode range = collet_json_member (json, response, "response_range");
  ColletJsonNode kvs = range != 0 ? collet_json_member (json, range, "kvs") : 0;

  if (kvs == 0) /* a write, or nothing was found */
    return TRUE;
  for (ColletJsonNode node = collet_json_first (json, kvs); node != 0; node = collet_json_next (json, node))
    {
      ColletKeyValue *row = read_kv (json, node);

      if (row == NULL)
        return fail (error, "a key or a value is not what Collet writes");
      g_ptr_array_add (rows, row);
    }
  return TRUE;
}

ColletTxnReply *
collet_etcd_json_read_txn (const ColletJson *json, const ColletTxn *txn, GError **error)
{
  g_autoptr (ColletTxnReply) reply = collet_txn_reply_new ();
  ColletJsonNode succeeded = collet_json_member (json, 0, "succeeded");
  ColletJsonNode responses = collet_json_member (json, 0, "responses");
  guint n = responses != 0 ? collet_json_get_length (json, responses) : 0;
  GPtrArray *ops;

  reply->succeeded = succeeded != 0 && collet_json_get_type (json, succeeded) == COLLET_JSON_TRUE;
  reply->revision = collet_etcd_json_read_revision (json, 0);
  reply->store_id = collet_etcd_json_dup_store_id (json, 0);
  if (reply->revision <= 0 || reply->store_id == NULL)
    {
      fail (error, "it has no header");
      return NULL;
    }
  ops = reply->succeeded ? txn->then_ops : txn->else_ops;
  if (n != ops->len)
    {
      fail (error, "it has another number of responses than there were operations");
      return NULL;
    }
  n = 0;
  for (ColletJsonNode node = ops->len > 0 ? collet_json_first (json, responses) : 0; node != 0;
       node = collet_json_next (json, node))
    {
      gboolean is_count = ((ColletOp *)ops->pdata[n++])->kind == COLLET_OP_COUNT;

      if (!(is_count ? read_count (json, node, &reply->count, error)
                     : read_range (json, node, reply->rows, error)))
        return NULL;
    }
  return g_steal_pointer (&reply);
}

gboolean
collet_etcd_json_read_newest (const ColletJson *json, gint64 *mod_rev, GError **error)
{
  ColletJsonNode kvs = collet_json_member (json, 0, "kvs");

  *mod_rev = 0;
  if (kvs != 0 && collet_json_get_length (json, kvs) > 0 &&
      !read_int (json, collet_json_first (json, kvs), "mod_revision", mod_rev))
    return fail (error, "a revision is no number");
  return collet_etcd_json_read_revision (json, 0) > 0 || fail (error, "it has no header");
}

gboolean
collet_etcd_json_read_lease (const ColletJson *json, char **lease, gint64 *ttl_s, GError **error)
{
  ColletJsonNode result = collet_json_member (json, 0, "result"); /* keepalive: it is a stream */

  g_clear_pointer (lease, g_free);
  *lease = dup_id (json, result, "ID");
  if (*lease == NULL || !read_int (json, result, "TTL", ttl_s))
    return fail (error, "a lease has no number");
  return TRUE;
}

/* ---- watches ---- */

void
collet_etcd_watch_line_free (ColletEtcdWatchLine *line)
{
  g_ptr_array_unref (line->changes);
  g_free (line);
}

static gboolean
read_event (const ColletJson *json, ColletJsonNode node, GPtrArray *changes, GError **error)
{
  ColletJsonNode kv = collet_json_member (json, node, "kv");
  ColletJsonNode type = collet_json_member (json, node, "type"); /* a put leaves it out */
  ColletKeyValue *row = kv != 0 ? read_kv (json, kv) : NULL;

  if (row == NULL)
    return fail (error, "a change is not one of a key that Collet writes");
  if (type != 0 && collet_json_string_is (json, type, "DELETE"))
    g_clear_pointer (&row->value, g_free);
  g_ptr_array_add (changes, row);
  return TRUE;
}

static gboolean
is_true (const ColletJson *json, ColletJsonNode object, const char *name)
{
  ColletJsonNode node = collet_json_member (json, object, name);

  return node != 0 && collet_json_get_type (json, node) == COLLET_JSON_TRUE;
}

ColletEtcdWatchLine *
collet_etcd_json_read_watch (const ColletJson *json, GError **error)
{
  g_autoptr (ColletEtcdWatchLine) line = g_new0 (ColletEtcdWatchLine, 1);
  ColletJsonNode result = collet_json_member (json, 0, "result");
  ColletJsonNode events = result != 0 ? collet_json_member (json, result, "events") : 0;

  line->changes = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_key_value_free);
  if (result == 0)
    {
      fail (error, "a line of a watch has no result");
      return NULL;
    }
  line->is_created = is_true (json, result, "created");
  line->is_canceled = is_true (json, result, "canceled");
  line->revision = collet_etcd_json_read_revision (json, result);
  if (!read_int (json, result, "compact_revision", &line->compact_revision))
    {
      fail (error, "a revision is no number");
      return NULL;
    }
  for (ColletJsonNode node = events != 0 ? collet_json_first (json, events) : 0; node != 0;
       node = collet_json_next (json, node))
    {
      if (!read_event (json, node, line->changes, error))
        return NULL;
    }
  return g_steal_pointer (&line);
}

/* ---- errors ---- */

static ColletEtcdVerdict
give (GError **error, ColletEtcdVerdict verdict, int code, const char *message, const char *remedy)
{
  g_set_error (error, COLLET_ERROR, code, "etcd: %s%s%s", message, *remedy != '\0' ? ". " : "", remedy);
  return verdict;
}

/* 3.5 and later have no "error" there, so "message" and "code" are what counts. */
ColletEtcdVerdict
collet_etcd_json_read_error (const ColletJson *json, guint http_status, GError **error)
{
  g_autofree char *text = NULL;
  gint64 code = 0;

  if (json != NULL && collet_json_get_type (json, 0) == COLLET_JSON_OBJECT)
    {
      ColletJsonNode message = collet_json_member (json, 0, "message");

      text = message != 0 ? collet_json_dup_string (json, message) : NULL;
      read_int (json, 0, "code", &code);
    }
  if (text == NULL)
    text = g_strdup_printf ("HTTP status %u without an explanation", http_status);
  if (strlen (text) > 500)
    text[500] = '\0';

  switch (code)
    {
    case CODE_RESOURCE_EXHAUSTED:
      if (strstr (text, "space exceeded") != NULL)
        return give (error, COLLET_ETCD_FINAL, COLLET_ERROR_DISK_FULL,
                     "cluster store out of space (etcd NOSPACE)",
                     "Compact and defragment it, or raise --quota-backend-bytes; then \"etcdctl alarm "
                     "disarm\".");
      return give (error, COLLET_ETCD_ELSEWHERE, COLLET_ERROR_QUORUM_NOT_REACHED, text, "");
    case CODE_INVALID_ARGUMENT:
    case CODE_OUT_OF_RANGE:
      return give (error, COLLET_ETCD_FINAL, COLLET_ERROR_INVALID_ARGUMENT, text, "");
    case CODE_NOT_FOUND:
      return give (error, COLLET_ETCD_FINAL, COLLET_ERROR_NOT_FOUND, text, "");
    case CODE_PERMISSION_DENIED:
    case CODE_UNAUTHENTICATED:
      return give (error, COLLET_ETCD_FINAL, COLLET_ERROR_NOT_AUTHORIZED, text,
                   "Give this node a certificate that the cluster store accepts.");
    case CODE_UNIMPLEMENTED:
      return give (error, COLLET_ETCD_FINAL, COLLET_ERROR_STORE_FAILED, text, "etcd 3.4 or later is needed.");
    default:
      return give (error, COLLET_ETCD_ELSEWHERE, COLLET_ERROR_QUORUM_NOT_REACHED, text, "");
    }
}
