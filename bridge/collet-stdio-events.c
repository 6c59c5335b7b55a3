/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-stdio-events.h"

#include <string.h>

#define MAX_ID 256

struct _ColletStdioEvents
{
  gsize max;
  GString *line, *data;
  char *id, *last_id;
  gboolean has_data, was_return; /* the last byte was CR: an LF belongs to it */
};

ColletStdioEvents *
collet_stdio_events_new (gsize max_event)
{
  ColletStdioEvents *events = g_new0 (ColletStdioEvents, 1);

  events->max = max_event;
  events->line = g_string_new (NULL);
  events->data = g_string_new (NULL);
  return events;
}

void
collet_stdio_events_free (ColletStdioEvents *events)
{
  g_string_free (events->line, TRUE);
  g_string_free (events->data, TRUE);
  g_free (events->id);
  g_free (events->last_id);
  g_free (events);
}

const char *
collet_stdio_events_get_last_id (ColletStdioEvents *events)
{
  return events->last_id;
}

/* The value of "field: value", or NULL if it is another field. */
static const char *
value_of (const char *line, const char *field)
{
  gsize size = strlen (field);

  if (strncmp (line, field, size) != 0 || (line[size] != ':' && line[size] != '\0'))
    return NULL;
  line += size;
  return *line == '\0' ? line : line[1] == ' ' ? line + 2 : line + 1;
}

static void
take_line (ColletStdioEvents *events, void (*on_data) (const char *, gsize, gpointer), gpointer user_data)
{
  const char *line = events->line->str;
  const char *value;

  if (*line == '\0')
    {
      if (events->id != NULL)
        {
          g_free (events->last_id);
          events->last_id = g_steal_pointer (&events->id);
        }
      if (events->data->len > 0)
        on_data (events->data->str, events->data->len, user_data);
      g_string_truncate (events->data, 0);
      events->has_data = FALSE;
    }
  else if ((value = value_of (line, "data")) != NULL)
    {
      /* In JSON a line break stands between tokens, where a space is as good. */
      if (events->has_data)
        g_string_append_c (events->data, ' ');
      g_string_append (events->data, value);
      events->has_data = TRUE;
    }
  else if ((value = value_of (line, "id")) != NULL && strlen (value) <= MAX_ID)
    {
      g_free (events->id);
      events->id = g_strdup (value);
    }
  g_string_truncate (events->line, 0);
}

gboolean
collet_stdio_events_feed (ColletStdioEvents *events, const char *bytes, gsize size,
                          void (*on_data) (const char *data, gsize size, gpointer user_data),
                          gpointer user_data)
{
  const char *end = bytes + size;

  while (bytes < end)
    {
      gsize n = 0;

      if (events->was_return && *bytes == '\n')
        bytes++;
      events->was_return = FALSE;
      while (bytes + n < end && bytes[n] != '\n' && bytes[n] != '\r' && bytes[n] != '\0')
        n++;
      if (events->line->len + events->data->len + n > events->max)
        return FALSE;
      g_string_append_len (events->line, bytes, (gssize)n);
      bytes += n;
      if (bytes == end)
        break;
      events->was_return = *bytes == '\r';
      if (*bytes++ != '\0') /* a NUL cannot be part of JSON text */
        take_line (events, on_data, user_data);
    }
  return TRUE;
}
