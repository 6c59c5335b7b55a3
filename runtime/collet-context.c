/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-context.h"

#include <string.h>

#include "collet-invocation.h"
#include "collet-utf8.h"
#include "collet-wire.h"

static struct collet_context_host *
host_of (struct collet_context *context)
{
  return (struct collet_context_host *)context;
}

static void
op_log (struct collet_context *context, enum collet_level level, const char *text)
{
  struct collet_context_host *host = host_of (context);

  if ((unsigned)level > COLLET_LEVEL_EMERGENCY || host->sink == NULL || host->sink->log == NULL)
    return;
  pthread_mutex_lock (&host->lock);
  collet_invocation_format_log (&host->event, level, NULL, text);
  if (!host->event.overflowed)
    host->sink->log (host->sink->user_data, level, host->event.bytes, host->event.size);
  pthread_mutex_unlock (&host->lock);
}

static void
op_fail (struct collet_context *context, const char *reason)
{
  struct collet_context_host *host = host_of (context);

  if (reason == NULL)
    return;
  pthread_mutex_lock (&host->lock);
  collet_utf8_copy (host->reason, sizeof host->reason, reason, strnlen (reason, sizeof host->reason));
  pthread_mutex_unlock (&host->lock);
}

static void
op_write (struct collet_context *context, const void *bytes, size_t size)
{
  struct collet_context_host *host = host_of (context);

  pthread_mutex_lock (&host->lock);
  collet_buffer_append (&host->output, bytes, size);
  pthread_mutex_unlock (&host->lock);
}

static const struct collet_context_ops ops = {
  .struct_size = sizeof (struct collet_context_ops),
  .log = op_log,
  .fail = op_fail,
  .write = op_write,
};

void
collet_context_host_init (struct collet_context_host *host, const struct collet_sink *sink)
{
  host->context.ops = &ops;
  host->sink = sink;
  pthread_mutex_init (&host->lock, NULL);
  collet_buffer_init (&host->output, COLLET_WIRE_MAX);
  collet_buffer_init (&host->event, COLLET_WIRE_INLINE);
  host->reason[0] = '\0';
}

void
collet_context_host_clear (struct collet_context_host *host)
{
  collet_buffer_clear (&host->output);
  collet_buffer_clear (&host->event);
  pthread_mutex_destroy (&host->lock);
}

const char *
collet_context_host_get_reason (const struct collet_context_host *host)
{
  return host->reason[0] != '\0' ? host->reason : "it gave no reason";
}
