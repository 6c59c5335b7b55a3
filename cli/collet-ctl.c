/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-ctl.h"

#include <stdio.h>
#include <string.h>

#include <glib/gi18n.h>

#include "collet-agent.h"
#include "collet-error-remedy.h"
#include "collet-style.h"
#include "collet-variant-json.h"

#define READ_TIMEOUT_MS 60000

void
collet_ctl_clear (ColletCtl *self)
{
  g_clear_pointer (&self->agent, collet_agent_stop);
  g_clear_pointer (&self->client, collet_client_free);
}

ColletClient *
collet_ctl_get_client (ColletCtl *self, GError **error)
{
  if (self->client == NULL)
    self->client = collet_client_new (self->bus, error);
  return self->client;
}

guint
collet_ctl_get_timeout_ms (ColletCtl *self, guint default_ms)
{
  return self->timeout_s > 0 ? (guint)MAX (1, MIN (self->timeout_s * 1000, G_MAXINT - 10000)) : default_ms;
}

/* A refusal that a password would lift: there is somebody now who asks for it. */
static gboolean
can_ask (ColletCtl *self, const GError *error)
{
  if (!g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED) || self->agent != NULL ||
      collet_client_get_bus (self->client) != COLLET_CLIENT_BUS_SYSTEM)
    return FALSE;
  self->agent = collet_agent_start ();
  return self->agent != NULL;
}

GVariant *
collet_ctl_call (ColletCtl *self, const char *method, GVariant *arguments, const char *type, GError **error)
{
  return collet_ctl_call_with_fds (self, method, arguments, type, NULL, NULL, error);
}

GVariant *
collet_ctl_call_with_fds (ColletCtl *self, const char *method, GVariant *arguments, const char *type,
                          GUnixFDList *fds, GUnixFDList **reply_fds, GError **error)
{
  g_autoptr (GVariant) given = g_variant_ref_sink (arguments);
  ColletClient *client = collet_ctl_get_client (self, error);
  if (client == NULL)
    return NULL;

  int timeout_ms = (int)collet_ctl_get_timeout_ms (self, READ_TIMEOUT_MS);
  g_autoptr (GError) refusal = NULL;
  g_autoptr (GVariant) reply =
      collet_client_call_with_fds (client, method, given, timeout_ms, fds, reply_fds, &refusal);
  if (reply == NULL && can_ask (self, refusal))
    {
      g_clear_error (&refusal);
      reply = collet_client_call_with_fds (client, method, given, timeout_ms, fds, reply_fds, &refusal);
    }
  if (reply == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&refusal));
      return NULL;
    }
  if (!g_variant_is_of_type (reply, G_VARIANT_TYPE (type)))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED,
                   _ ("The daemon answered %s in a form that is not known; is it of another version?"),
                   method);
      return NULL;
    }
  return g_steal_pointer (&reply);
}

/* ---- errors ---- */

static const char *
name_of (const GError *error)
{
  return error->domain == COLLET_CLIENT_ERROR ? "NotReachable" : collet_error_name_of (error);
}

/* A line each as it was, harmless; the last sentence ends with a full stop. */
static char *
dup_message (const char *message)
{
  g_auto (GStrv) lines = g_strsplit (message, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *line = lines[i];
      lines[i] = collet_style_dup_safe (line);
    }
  char *text = g_strchomp (g_strjoinv ("\n", lines));
  gsize length = strlen (text);
  if (length == 0 || strchr (".!?", text[length - 1]) != NULL)
    return text;
  char *sentence = g_strconcat (text, ".", NULL);
  g_free (text);
  return sentence;
}

/* What the error means, if that is said in the reader's language; the daemon's
 * message is English. */
static const char *
get_meaning (const GError *error)
{
  const char *meaning =
      error->domain == COLLET_ERROR ? collet_error_meaning ((ColletError)error->code) : NULL;
  const char *translated = meaning != NULL ? _ (meaning) : NULL;

  return translated != meaning ? translated : NULL;
}

/* The general remedy of an error is for a message that says no more than what was
 * found: of one sentence; and for who cannot read the others. */
static const char *
get_remedy (const GError *error, const char *message, gboolean is_translated)
{
  if (error->domain != COLLET_ERROR || (!is_translated && strstr (message, ". ") != NULL))
    return NULL;
  return _ (collet_error_remedy ((ColletError)error->code));
}

static void
print_dim (const char *text)
{
  g_printerr ("%s%s%s\n", collet_style_begin (COLLET_PAINT_DIM, TRUE), text,
              collet_style_end (COLLET_PAINT_DIM, TRUE));
}

static void
print_error (const GError *error)
{
  g_autofree char *message = dup_message (error->message);
  const char *meaning = get_meaning (error);
  const char *remedy = get_remedy (error, message, meaning != NULL);

  g_printerr ("%scolletctl: %s:%s %s\n", collet_style_begin (COLLET_PAINT_BAD, TRUE), name_of (error),
              collet_style_end (COLLET_PAINT_BAD, TRUE), meaning != NULL ? meaning : message);
  if (meaning != NULL)
    g_printerr ("%s\n", message);
  if (remedy != NULL)
    print_dim (remedy);
}

ColletExit
collet_ctl_fail_with (ColletCtl *self, const GError *error, const char *name, GVariant *value)
{
  if (self->json)
    {
      g_autoptr (GString) out = g_string_new ("{\"error\":{\"name\":");
      collet_variant_json_append_string (out, name_of (error));
      g_string_append (out, ",\"message\":");
      collet_variant_json_append_string (out, error->message);
      g_string_append_c (out, '}');
      if (value != NULL)
        {
          g_string_append_printf (out, ",\"%s\":", name);
          collet_variant_json_append (out, value);
        }
      g_print ("%s}\n", out->str);
    }
  else
    print_error (error);
  return error->domain == COLLET_CLIENT_ERROR ? COLLET_EXIT_NOT_REACHABLE : COLLET_EXIT_FAILED;
}

ColletExit
collet_ctl_fail (ColletCtl *self, const GError *error)
{
  return collet_ctl_fail_with (self, error, NULL, NULL);
}

ColletExit
collet_ctl_fail_usage (ColletCtl *self, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list list;

  va_start (list, format);
  message = g_strdup_vprintf (self->json ? format : _ (format), list);
  va_end (list);

  if (!self->json)
    {
      g_printerr ("colletctl: %s\n", message);
      return COLLET_EXIT_USAGE;
    }
  g_autoptr (GError) error = g_error_new_literal (COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, message);
  collet_ctl_fail (self, error);
  return COLLET_EXIT_USAGE;
}

void
collet_ctl_print_json (const char *name, GVariant *value)
{
  g_autoptr (GString) out = g_string_new (NULL);

  g_string_append_printf (out, "{\"%s\":", name);
  collet_variant_json_append (out, value);
  g_print ("%s}\n", out->str);
}

char *
collet_ctl_dup_source (const char *argument)
{
  if (strchr (argument, '/') != NULL || g_file_test (argument, G_FILE_TEST_EXISTS))
    return g_canonicalize_filename (argument, NULL);
  return g_strdup (argument);
}

/* ---- rows ---- */

const char *
collet_row_string (GVariant *row, const char *name)
{
  const char *text = "";

  if (!g_variant_lookup (row, name, "&s", &text))
    g_variant_lookup (row, name, "&o", &text);
  return text;
}

gint64
collet_row_int (GVariant *row, const char *name)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (row, name, NULL);

  if (value == NULL)
    return 0;
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    return g_variant_get_int64 (value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    return (gint64)MIN (g_variant_get_uint64 (value), G_MAXINT64);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    return g_variant_get_uint32 (value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT32))
    return g_variant_get_int32 (value);
  return 0;
}

gboolean
collet_row_bool (GVariant *row, const char *name)
{
  gboolean yes = FALSE;

  g_variant_lookup (row, name, "b", &yes);
  return yes;
}

double
collet_row_double (GVariant *row, const char *name)
{
  double value = 0;

  g_variant_lookup (row, name, "d", &value);
  return value;
}

char *
collet_row_dup_list (GVariant *row, const char *name)
{
  g_auto (GStrv) list = NULL;

  g_variant_lookup (row, name, "^as", &list);
  return list != NULL ? g_strjoinv (", ", list) : g_strdup ("");
}
