/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-http-response.h"

struct MHD_Response *
collet_http_response_new (const ColletHttpHeader *headers, guint n_headers, char *body, gsize size)
{
  struct MHD_Response *response;

  if (body && size > 0)
    {
      response = MHD_create_response_from_buffer_with_free_callback (size, body, g_free);
    }
  else
    {
      g_free (body);
      response = MHD_create_response_from_buffer (0, (void *)"", MHD_RESPMEM_PERSISTENT);
    }
  if (!response)
    g_error ("http: out of memory for an answer of %" G_GSIZE_FORMAT " bytes", size);
  for (guint i = 0; i < n_headers; i++)
    MHD_add_response_header (response, headers[i].name, headers[i].value);
  return response;
}

GString *
collet_http_response_head (guint status, const ColletHttpHeader *headers, guint n_headers, gboolean chunked)
{
  GString *head = g_string_sized_new (256);

  g_string_printf (head, "HTTP/1.1 %u %s\r\nConnection: close\r\n", status,
                   MHD_get_reason_phrase_for (status));
  if (chunked)
    g_string_append (head, "Transfer-Encoding: chunked\r\n");
  for (guint i = 0; i < n_headers; i++)
    g_string_append_printf (head, "%s: %s\r\n", headers[i].name, headers[i].value);
  g_string_append (head, "\r\n");
  return head;
}
