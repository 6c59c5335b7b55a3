/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-probe-reader.h"

#include <errno.h>
#include <glib-unix.h>
#include <unistd.h>

#include "collet-refusal.h"
#include "collet-spawn.h"
#include "collet-wire.h"

/* A manifest of 256 KiB, escaped, and the checks. */
#define MAX_REPORT (2u * 1024u * 1024u)
#define BATCH 64
/* A child sends hundreds of small reports. They wait in its socket, so that the
 * loop does not wake for each; what is left at its end is read by finish. */
#define PACE_MS 2

struct _ColletProbeReader
{
  int fd;
  GSource *source;
  GPtrArray *reports; /* ColletProbed */
  guint n_read, n_run;
  char *buffer;
};

static void
probed_free (gpointer data)
{
  ColletProbed *probed = data;

  g_clear_pointer (&probed->read, g_bytes_unref);
  g_clear_pointer (&probed->run, g_bytes_unref);
  g_clear_pointer (&probed->refusals, g_ptr_array_unref);
  g_free (probed);
}

/* FALSE: it is not what comes next. */
static gboolean
take (ColletProbeReader *reader, const struct collet_frame *frame)
{
  ColletProbed *probed;

  if (frame->header.size > MAX_REPORT || frame->header.id >= reader->reports->len)
    return FALSE;
  probed = g_ptr_array_index (reader->reports, frame->header.id);
  if (frame->header.type == COLLET_FRAME_PROBE_READ && frame->header.id == reader->n_read &&
      reader->n_run == 0)
    {
      probed->read = g_bytes_new (frame->payload, frame->header.size);
      reader->n_read++;
      return TRUE;
    }
  if (frame->header.type == COLLET_FRAME_PROBED && frame->header.id == reader->n_run &&
      reader->n_read == reader->reports->len)
    {
      probed->run = g_bytes_new (frame->payload, frame->header.size);
      reader->n_run++;
      return TRUE;
    }
  return FALSE;
}

/* FALSE: nothing more will be read. */
static gboolean
read_frames (ColletProbeReader *reader, guint limit)
{
  for (guint i = 0; i < limit; i++)
    {
      struct collet_frame frame;
      int result = collet_wire_receive (reader->fd, reader->buffer, COLLET_WIRE_BUFFER, &frame);
      gboolean taken;

      if (result == -EAGAIN)
        return TRUE;
      if (result <= 0)
        return FALSE;
      taken = take (reader, &frame);
      collet_frame_clear (&frame);
      if (!taken)
        return FALSE;
    }
  return TRUE;
}

static void
stop (ColletProbeReader *reader)
{
  if (reader->source == NULL)
    return;
  g_source_destroy (reader->source);
  g_clear_pointer (&reader->source, g_source_unref);
  close (reader->fd);
}

static void watch (ColletProbeReader *reader, GMainContext *context);

/* Takes `source`. */
static void
replace_source (ColletProbeReader *reader, GSource *source, GSourceFunc func, GMainContext *context)
{
  if (reader->source != NULL)
    g_source_destroy (reader->source);
  g_clear_pointer (&reader->source, g_source_unref);
  reader->source = source;
  g_source_set_callback (source, func, reader, NULL);
  g_source_attach (source, context);
}

static gboolean
on_pace (gpointer user_data)
{
  ColletProbeReader *reader = user_data;

  watch (reader, g_source_get_context (reader->source));
  return G_SOURCE_REMOVE;
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  ColletProbeReader *reader = user_data;

  if (read_frames (reader, BATCH))
    replace_source (reader, g_timeout_source_new (PACE_MS), on_pace, g_source_get_context (reader->source));
  else
    stop (reader);
  return G_SOURCE_REMOVE;
}

static void
watch (ColletProbeReader *reader, GMainContext *context)
{
  replace_source (reader, g_unix_fd_source_new (reader->fd, G_IO_IN | G_IO_HUP | G_IO_ERR),
                  G_SOURCE_FUNC (on_readable), context);
}

ColletProbeReader *
collet_probe_reader_new (int fd, guint n_artifacts)
{
  ColletProbeReader *reader = g_new0 (ColletProbeReader, 1);

  reader->fd = fd;
  reader->buffer = g_malloc (COLLET_WIRE_BUFFER);
  reader->reports = g_ptr_array_new_full (n_artifacts, probed_free);
  for (guint i = 0; i < n_artifacts; i++)
    g_ptr_array_add (reader->reports, g_new0 (ColletProbed, 1));
  watch (reader, g_main_context_get_thread_default ());
  return reader;
}

void
collet_probe_reader_free (ColletProbeReader *reader)
{
  stop (reader);
  g_ptr_array_unref (reader->reports);
  g_free (reader->buffer);
  g_free (reader);
}

void
collet_probe_reader_add_refusal (ColletProbeReader *reader, guint artifact, const char *call, guint64 times)
{
  ColletProbed *probed;

  if (artifact >= reader->reports->len)
    return; /* the child's word, and it runs foreign code */
  probed = g_ptr_array_index (reader->reports, artifact);
  if (probed->refusals == NULL)
    probed->refusals = collet_refusals_list_new ();
  collet_refusals_list_add (probed->refusals, call, times);
}

GPtrArray *
collet_probe_reader_finish (ColletProbeReader *reader, int *died_at)
{
  /* What a child that has ended left behind is finite. */
  if (reader->source != NULL)
    read_frames (reader, G_MAXUINT);
  stop (reader);
  *died_at = reader->n_run == reader->reports->len   ? -1
             : reader->n_read < reader->reports->len ? (int)reader->n_read
                                                     : (int)reader->n_run;
  return g_ptr_array_ref (reader->reports);
}
