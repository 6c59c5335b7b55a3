/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-peer-request.h"

#include <string.h>

#include "collet-error.h"
#include "collet-json.h"

#define MAX_NAME 64
#define MAX_URL 512

/* ---- names and addresses ---- */

gboolean
collet_peer_check_name (const char *name, GError **error)
{
  gsize length = strlen (name);

  if (length > 0 && length <= MAX_NAME && name[0] != '.' && name[0] != '-' &&
      strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") == length)
    return TRUE;
  g_set_error (
      error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
      "\"%.100s\" cannot be the name of a node: 1 to %d letters, digits, \".\", \"-\" and \"_\" can, "
      "the first of them a letter, a digit or \"_\".",
      name, MAX_NAME);
  return FALSE;
}

char *
collet_peer_dup_host (const char *url, guint16 *port, GError **error)
{
  g_autoptr (GUri) uri = strlen (url) <= MAX_URL ? g_uri_parse (url, G_URI_FLAGS_NONE, NULL) : NULL;

  if (uri != NULL && g_str_equal (g_uri_get_scheme (uri), "https") && g_uri_get_host (uri) != NULL &&
      *g_uri_get_host (uri) != '\0' && g_uri_get_userinfo (uri) == NULL && g_uri_get_query (uri) == NULL &&
      g_uri_get_fragment (uri) == NULL && g_uri_get_port (uri) > 0 &&
      (g_str_equal (g_uri_get_path (uri), "") || g_str_equal (g_uri_get_path (uri), "/")))
    {
      *port = (guint16)g_uri_get_port (uri);
      return g_strdup (g_uri_get_host (uri));
    }
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
               "\"%.100s\" is no address of a node; it is as https://HOST:PORT.", url);
  return NULL;
}

/* ---- JSON ---- */

static void
add_member (GString *json, const char *name, const char *text)
{
  g_string_append_c (json, json->len == 0 ? '{' : ',');
  collet_json_append_string (json, name, -1);
  g_string_append_c (json, ':');
  collet_json_append_string (json, text, -1);
}

static char *
take_string (const ColletJson *json, const char *name)
{
  return collet_json_dup_string (json, collet_json_member (json, 0, name));
}

/* An object of exactly `n` members. */
static ColletJson *
parse (GBytes *body, guint n, GError **error)
{
  g_autoptr (ColletJson) json = collet_json_parse_bytes (body, error);

  if (json == NULL ||
      (collet_json_get_type (json, 0) == COLLET_JSON_OBJECT && collet_json_get_length (json, 0) == n))
    return g_steal_pointer (&json);
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, "An object of %u members was expected.",
               n);
  return NULL;
}

static void
set_incomplete (GError **error, const char *what)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
               "The %s lacks a member, or one is no text.", what);
}

void
collet_join_request_free (ColletJoinRequest *self)
{
  g_free (self->secret);
  g_free (self->node);
  g_free (self->url);
  g_free (self->host);
  g_free (self->request);
  g_free (self);
}

char *
collet_join_request_to_json (const ColletJoinRequest *self)
{
  GString *json = g_string_new (NULL);

  add_member (json, "secret", self->secret);
  add_member (json, "node", self->node);
  add_member (json, "url", self->url);
  add_member (json, "request", self->request);
  return g_string_free (g_string_append_c (json, '}'), FALSE);
}

ColletJoinRequest *
collet_join_request_parse (GBytes *body, GError **error)
{
  g_autoptr (ColletJson) json = parse (body, 4, error);
  g_autoptr (ColletJoinRequest) self = g_new0 (ColletJoinRequest, 1);
  guint16 port;

  if (json == NULL)
    return NULL;
  self->secret = take_string (json, "secret");
  self->node = take_string (json, "node");
  self->url = take_string (json, "url");
  self->request = take_string (json, "request");
  if (self->secret == NULL || self->node == NULL || self->url == NULL || self->request == NULL)
    {
      set_incomplete (error, "request to join");
      return NULL;
    }
  if (!collet_peer_check_name (self->node, error))
    return NULL;
  self->host = collet_peer_dup_host (self->url, &port, error);
  return self->host != NULL ? g_steal_pointer (&self) : NULL;
}

void
collet_join_reply_free (ColletJoinReply *self)
{
  g_free (self->cluster);
  g_free (self->certificate);
  g_free (self->authority);
  g_strfreev (self->endpoints);
  g_free (self);
}

char *
collet_join_reply_to_json (const ColletJoinReply *self)
{
  GString *json = g_string_new (NULL);

  add_member (json, "cluster", self->cluster);
  add_member (json, "certificate", self->certificate);
  add_member (json, "authority", self->authority);
  g_string_append (json, ",\"endpoints\":[");
  for (guint i = 0; self->endpoints[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append_c (json, ',');
      collet_json_append_string (json, self->endpoints[i], -1);
    }
  return g_string_free (g_string_append (json, "]}"), FALSE);
}

static GStrv
take_endpoints (const ColletJson *json)
{
  ColletJsonNode list = collet_json_member (json, 0, "endpoints");
  g_autoptr (GPtrArray) endpoints = g_ptr_array_new_with_free_func (g_free);

  if (list == 0 || collet_json_get_type (json, list) != COLLET_JSON_ARRAY ||
      collet_json_get_length (json, list) > COLLET_PEER_MAX_ENDPOINTS)
    return NULL;
  for (ColletJsonNode node = collet_json_first (json, list); node != 0; node = collet_json_next (json, node))
    {
      char *endpoint = collet_json_dup_string (json, node);

      if (endpoint == NULL)
        return NULL;
      g_ptr_array_add (endpoints, endpoint);
    }
  g_ptr_array_add (endpoints, NULL);
  return (GStrv)g_ptr_array_free (g_steal_pointer (&endpoints), FALSE);
}

ColletJoinReply *
collet_join_reply_parse (GBytes *body, GError **error)
{
  g_autoptr (ColletJson) json = parse (body, 4, error);
  g_autoptr (ColletJoinReply) self = g_new0 (ColletJoinReply, 1);

  if (json == NULL)
    return NULL;
  self->cluster = take_string (json, "cluster");
  self->certificate = take_string (json, "certificate");
  self->authority = take_string (json, "authority");
  self->endpoints = take_endpoints (json);
  if (self->cluster != NULL && self->certificate != NULL && self->authority != NULL &&
      self->endpoints != NULL)
    return g_steal_pointer (&self);
  set_incomplete (error, "answer to a join");
  return NULL;
}

/* ---- errors ---- */

char *
collet_peer_error_to_json (const GError *error)
{
  GString *json = g_string_new (NULL);
  GString *whole = g_string_new ("{\"error\":");

  add_member (json, "name", collet_error_name_of (error));
  add_member (json, "message", error->message);
  g_string_append_len (whole, json->str, (gssize)json->len);
  g_string_free (json, TRUE);
  return g_string_free (g_string_append (whole, "}}"), FALSE);
}

GError *
collet_peer_error_parse (GBytes *body, guint status)
{
  g_autoptr (ColletJson) json = collet_json_parse_bytes (body, NULL);
  ColletJsonNode member = json != NULL ? collet_json_member (json, 0, "error") : 0;
  g_autofree char *name =
      member != 0 ? collet_json_dup_string (json, collet_json_member (json, member, "name")) : NULL;
  g_autofree char *message =
      member != 0 ? collet_json_dup_string (json, collet_json_member (json, member, "message")) : NULL;
  ColletError code;

  if (name == NULL || message == NULL || !collet_error_from_name (name, &code))
    return g_error_new (COLLET_ERROR, COLLET_ERROR_NODE_FAILED, "It answered with HTTP status %u.", status);
  return g_error_new_literal (COLLET_ERROR, (int)code, message);
}
