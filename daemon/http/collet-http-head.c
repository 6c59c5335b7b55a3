/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-http-head.h"

#include <string.h>

#define ABSOLUTE "http://"

/* Its length; 0: a name is something else. */
static gsize
token_length (const char *name)
{
  const char *p = name;

  for (; *p; p++)
    if (!g_ascii_isalnum (*p) && *p != '-' && !strchr ("!#$%&'*+.^_`|~", *p))
      return 0;
  return (gsize)(p - name);
}

static gboolean
is_named (const char *name, gsize length, const char *wanted)
{
  return length == strlen (wanted) && g_ascii_strcasecmp (name, wanted) == 0;
}

static void
note (const char **first, guint *count, const char *value)
{
  if ((*count)++ == 0)
    *first = value ? value : "";
}

void
collet_http_head_add (ColletHttpHead *head, const char *name, const char *value)
{
  gsize length = token_length (name);

  if (length == 0)
    head->has_bad_name = TRUE;
  else if (is_named (name, length, "Host"))
    note (&head->host, &head->n_hosts, value);
  else if (is_named (name, length, "Origin"))
    note (&head->origin, &head->n_origins, value);
  else if (is_named (name, length, "Content-Length"))
    note (&head->content_length, &head->n_content_lengths, value);
  else if (is_named (name, length, "Transfer-Encoding"))
    note (&head->transfer_encoding, &head->n_transfer_encodings, value);
}

/* Length of the name in "name[:port]"; 0 if that is malformed. */
static gsize
host_name_length (const char *authority, gsize size)
{
  const char *end = authority + size;
  const char *name_end;

  if (size > 0 && authority[0] == '[')
    {
      name_end = memchr (authority, ']', size);
      if (!name_end)
        return 0;
      name_end++;
    }
  else
    {
      name_end = memchr (authority, ':', size);
      if (!name_end)
        name_end = end;
    }
  if (name_end < end && *name_end != ':')
    return 0;
  for (const char *p = name_end + 1; p < end; p++)
    if (!g_ascii_isdigit (*p))
      return 0;
  return (gsize)(name_end - authority);
}

static gboolean
is_name (const char *name, gsize size, const char *allowed)
{
  return strlen (allowed) == size && g_ascii_strncasecmp (name, allowed, size) == 0;
}

static gboolean
is_allowed_host (const char *authority, gsize size, const ColletHttpPolicy *policy)
{
  gsize name_size = host_name_length (authority, size);

  if (name_size == 0)
    return FALSE;
  if (is_name (authority, name_size, "127.0.0.1") || is_name (authority, name_size, "localhost") ||
      is_name (authority, name_size, "[::1]"))
    return TRUE;
  for (const char *const *name = policy->allowed_hosts; name && *name; name++)
    if (is_name (authority, name_size, *name))
      return TRUE;
  return FALSE;
}

static gboolean
is_allowed_origin (const char *origin, const ColletHttpPolicy *policy)
{
  const char *authority = strstr (origin, "://");

  for (const char *const *allowed = policy->allowed_origins; allowed && *allowed; allowed++)
    if (strcmp (origin, *allowed) == 0)
      return TRUE;
  if (!g_str_has_prefix (origin, "http://") && !g_str_has_prefix (origin, "https://"))
    return FALSE;
  return is_allowed_host (authority + 3, strlen (authority + 3), policy);
}

static gboolean
is_absolute (const char *target)
{
  return g_ascii_strncasecmp (target, ABSOLUTE, strlen (ABSOLUTE)) == 0;
}

const char *
collet_http_head_get_path (const ColletHttpHead *head)
{
  const char *path;

  if (!is_absolute (head->target))
    return head->target;
  path = strchr (head->target + strlen (ABSOLUTE), '/');
  return path ? path : "/";
}

/* The request line and its agreement with Host. */
static guint
check_target (const ColletHttpHead *head, const char **reason)
{
  const char *authority;
  gsize size;

  if (strcmp (head->method, "CONNECT") == 0 || strcmp (head->method, "TRACE") == 0)
    {
      *reason = "CONNECT and TRACE are not offered.";
      return 405;
    }
  if (head->n_hosts > 1)
    {
      *reason = "There is more than one Host header. Send exactly one.";
      return 400;
    }
  if (head->target[0] == '/')
    return 0;
  if (!is_absolute (head->target))
    {
      *reason = "The request target is not a path. Send one that begins with '/'.";
      return 400;
    }
  authority = head->target + strlen (ABSOLUTE);
  size = strcspn (authority, "/");
  if (!head->host || !is_name (authority, size, head->host))
    {
      *reason = "The request target names another host than the Host header.";
      return 400;
    }
  return 0;
}

/* How long the body is must not be open to interpretation. */
static guint
check_framing (const ColletHttpHead *head, gsize max_body, const char **reason)
{
  guint64 length;

  if (head->has_bad_name)
    {
      *reason = "A header name has a character that is not allowed there.";
      return 400;
    }
  if (head->n_transfer_encodings > 0 && head->n_content_lengths > 0)
    {
      *reason = "There are both Transfer-Encoding and Content-Length. Send one of them.";
      return 400;
    }
  if (head->n_transfer_encodings > 1 || head->n_content_lengths > 1)
    {
      *reason = "Content-Length or Transfer-Encoding is there more than once. Send it once.";
      return 400;
    }
  if (head->transfer_encoding)
    {
      if (g_ascii_strcasecmp (head->transfer_encoding, "chunked") == 0 &&
          strcmp (head->version, "HTTP/1.1") == 0)
        return 0;
      *reason = "This Transfer-Encoding is not supported. Send the body plain or chunked.";
      return 501;
    }
  if (!head->content_length)
    return 0;
  if (head->content_length[0] == '\0' ||
      strspn (head->content_length, "0123456789") != strlen (head->content_length))
    {
      *reason = "Content-Length is not a number.";
      return 400;
    }
  if (!g_ascii_string_to_unsigned (head->content_length, 10, 0, G_MAXUINT64, &length, NULL) ||
      length > max_body)
    {
      *reason = "The body is larger than this server accepts.";
      return 413;
    }
  return 0;
}

static gboolean
is_allowed_uid (gint64 uid, const ColletHttpPolicy *policy)
{
  for (guint i = 0; policy->allowed_uids && i < policy->allowed_uids->len; i++)
    if (g_array_index (policy->allowed_uids, gint64, i) == uid)
      return TRUE;
  return !policy->allowed_uids;
}

guint
collet_http_head_check (const ColletHttpHead *head, const ColletHttpPolicy *policy, const char **reason)
{
  guint status = check_target (head, reason);

  if (status == 0)
    status = check_framing (head, policy->max_body, reason);
  if (status != 0)
    return status;
  if (policy->is_local)
    {
      if (is_allowed_uid (head->peer_uid, policy))
        return 0;
      *reason = "This user may not use this socket. Add the name to socket-users if it should.";
      return 403;
    }
  if (!head->host || !is_allowed_host (head->host, strlen (head->host), policy))
    {
      *reason = "This Host is not served here. Use 127.0.0.1 or localhost, or add the name to allowed-hosts.";
      return 403;
    }
  if (head->n_origins > 1 || (head->origin && !is_allowed_origin (head->origin, policy)))
    {
      *reason = "Requests from this Origin are not allowed. Add it to allowed-origins if it should be.";
      return 403;
    }
  return 0;
}
