/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-stdio-lines.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define FULL (1024 * 1024)
#define CHUNK (64 * 1024)

struct _ColletStdioLines
{
  ColletStdioLinesOwner owner;
  int in, out;
  int in_flags, out_flags; /* given back at the end: others may use the terminal */
  gsize max_line;
  GString *line;       /* not complete yet */
  gboolean is_skipped; /* the rest of it is thrown away */
  GString *queue;      /* to be written */
  gsize written;       /* of the queue */
  gboolean was_full, is_lost, is_ended;
  guint in_source, out_source, lost_source;
};

static void start_reading (ColletStdioLines *lines);

ColletStdioLines *
collet_stdio_lines_new (int in, int out, gsize max_line, const ColletStdioLinesOwner *owner)
{
  ColletStdioLines *lines = g_new0 (ColletStdioLines, 1);

  lines->owner = *owner;
  lines->in = in;
  lines->out = out;
  lines->in_flags = fcntl (in, F_GETFL);
  lines->out_flags = fcntl (out, F_GETFL);
  lines->max_line = max_line;
  lines->line = g_string_new (NULL);
  lines->queue = g_string_new (NULL);
  g_unix_set_fd_nonblocking (in, TRUE, NULL);
  g_unix_set_fd_nonblocking (out, TRUE, NULL);
  start_reading (lines);
  return lines;
}

void
collet_stdio_lines_free (ColletStdioLines *lines)
{
  g_clear_handle_id (&lines->in_source, g_source_remove);
  g_clear_handle_id (&lines->out_source, g_source_remove);
  g_clear_handle_id (&lines->lost_source, g_source_remove);
  fcntl (lines->in, F_SETFL, lines->in_flags);
  fcntl (lines->out, F_SETFL, lines->out_flags);
  g_string_free (lines->line, TRUE);
  g_string_free (lines->queue, TRUE);
  g_free (lines);
}

/* ---- input ---- */

static void
end_line (ColletStdioLines *lines)
{
  gsize size = lines->line->len;

  if (size > 0 && lines->line->str[size - 1] == '\r')
    size--;
  if (lines->is_skipped)
    lines->owner.on_line (NULL, 0, lines->owner.user_data);
  else if (size > 0)
    lines->owner.on_line (lines->line->str, size, lines->owner.user_data);
  g_string_truncate (lines->line, 0);
  lines->is_skipped = FALSE;
}

static void
take (ColletStdioLines *lines, const char *bytes, gsize size)
{
  while (size > 0)
    {
      const char *end = memchr (bytes, '\n', size);
      gsize n = end != NULL ? (gsize)(end - bytes) : size;

      if (lines->line->len + n > lines->max_line)
        {
          lines->is_skipped = TRUE;
          g_string_truncate (lines->line, 0);
        }
      if (!lines->is_skipped)
        g_string_append_len (lines->line, bytes, (gssize)n);
      if (end == NULL)
        return;
      end_line (lines);
      bytes += n + 1;
      size -= n + 1;
    }
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  ColletStdioLines *lines = data;
  char bytes[CHUNK];
  gssize n = read (fd, bytes, sizeof bytes);

  if (n > 0)
    {
      take (lines, bytes, (gsize)n);
      return lines->in_source != 0;
    }
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;
  lines->in_source = 0;
  lines->is_ended = TRUE;
  if (lines->line->len > 0 || lines->is_skipped)
    end_line (lines);
  lines->owner.on_end (lines->owner.user_data);
  return G_SOURCE_REMOVE;
}

static void
start_reading (ColletStdioLines *lines)
{
  if (lines->in_source == 0 && !lines->is_ended)
    lines->in_source = g_unix_fd_add (lines->in, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, lines);
}

void
collet_stdio_lines_hold (ColletStdioLines *lines, gboolean hold)
{
  if (hold)
    g_clear_handle_id (&lines->in_source, g_source_remove);
  else
    start_reading (lines);
}

/* ---- output ---- */

/* On a turn of its own, so that nobody is told within a call of his. */
static gboolean
on_lost (gpointer data)
{
  ColletStdioLines *lines = data;

  lines->lost_source = 0;
  lines->owner.on_lost (lines->owner.user_data);
  return G_SOURCE_REMOVE;
}

static void
lose (ColletStdioLines *lines)
{
  lines->is_lost = TRUE;
  lines->written = 0;
  g_string_truncate (lines->queue, 0);
  if (lines->lost_source == 0)
    lines->lost_source = g_idle_add (on_lost, lines);
}

static void
flush (ColletStdioLines *lines)
{
  while (lines->written < lines->queue->len)
    {
      gssize n = write (lines->out, lines->queue->str + lines->written, lines->queue->len - lines->written);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        break;
      if (n < 0)
        {
          lose (lines);
          return;
        }
      lines->written += (gsize)n;
    }
  if (lines->written == lines->queue->len || lines->written > FULL)
    {
      g_string_erase (lines->queue, 0, (gssize)lines->written);
      lines->written = 0;
    }
}

static gboolean
on_writable (int fd, GIOCondition condition, gpointer data)
{
  ColletStdioLines *lines = data;
  gboolean goes_on;

  flush (lines);
  goes_on = !collet_stdio_lines_is_empty (lines);
  if (!goes_on)
    lines->out_source = 0;
  if (lines->was_full && !collet_stdio_lines_is_full (lines))
    {
      lines->was_full = FALSE;
      lines->owner.on_room (lines->owner.user_data);
    }
  return goes_on;
}

void
collet_stdio_lines_write (ColletStdioLines *lines, const char *line, gsize size)
{
  gsize begin = lines->queue->len;

  if (lines->is_lost)
    return;
  g_string_append_len (lines->queue, line, (gssize)size);
  for (gsize i = begin; i < lines->queue->len; i++)
    if (lines->queue->str[i] == '\n' || lines->queue->str[i] == '\r')
      lines->queue->str[i] = ' ';
  g_string_append_c (lines->queue, '\n');
  flush (lines);
  lines->was_full = collet_stdio_lines_is_full (lines);
  if (!collet_stdio_lines_is_empty (lines) && lines->out_source == 0)
    lines->out_source = g_unix_fd_add (lines->out, G_IO_OUT | G_IO_ERR | G_IO_HUP, on_writable, lines);
}

gboolean
collet_stdio_lines_is_full (ColletStdioLines *lines)
{
  return lines->queue->len - lines->written > FULL;
}

gboolean
collet_stdio_lines_is_empty (ColletStdioLines *lines)
{
  return lines->queue->len == lines->written;
}
