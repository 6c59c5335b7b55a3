/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-module.h"

#include "collet-call-log.h"

#include <pthread.h>

#include "collet-error.h"
#include "collet-json.h"
#include "collet-refusal.h"
#include "collet-log-level.h"

#define BURST 200
#define PER_SECOND 20
#define MAX_FIELDS 16

static int kept_level = COLLET_LEVEL_WARNING;

/* What may still be said. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double room = BURST;
static gint64 filled_us;
static guint left_out;

void
collet_call_log_set_level (int level)
{
  __atomic_store_n (&kept_level, level, __ATOMIC_RELAXED);
}

static int
get_level (void)
{
  return __atomic_load_n (&kept_level, __ATOMIC_RELAXED);
}

int
collet_call_log_choose_level (const ColletCall *call)
{
  return MIN (call->log_level, get_level ());
}

/* FALSE: too much was said. Before anything is made of it: a module may say things
 * without end. */
static gboolean
take_room (void)
{
  gint64 now = g_get_monotonic_time ();
  guint missed = 0;
  gboolean has_room;

  pthread_mutex_lock (&lock);
  room = MIN (BURST, room + (double)(now - filled_us) * PER_SECOND / G_USEC_PER_SEC);
  filled_us = now;
  has_room = room >= 1;
  if (has_room)
    {
      room -= 1;
      missed = left_out;
      left_out = 0;
    }
  else
    left_out++;
  pthread_mutex_unlock (&lock);
  if (missed > 0)
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE",
                      "%u lines of modules and failed calls were left out: there were too many.", missed);
  return has_room;
}

typedef struct
{
  GLogField fields[MAX_FIELDS];
  gsize n;
} Entry;

static void
add (Entry *entry, const char *key, const char *value)
{
  if (value != NULL)
    entry->fields[entry->n++] = (GLogField){ key, value, -1 };
}

/* `priority`: syslog's, 0 is the gravest. */
static void
write_entry (ColletGeneration *generation, const ColletCall *call, int priority, const char *error_name,
             const char *text)
{
  const ColletGenerationSpec *spec = collet_generation_get_spec (generation);
  const char *trace = call != NULL ? call->trace : NULL;
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, spec->number);
  g_autofree char *digit = g_strdup_printf ("%d", priority);
  g_autofree char *message = NULL;
  Entry entry = { .n = 0 };

  message =
      g_strdup_printf ("%s %s: %s%s%s%s%s%s", spec->module, spec->version->semver,
                       call != NULL ? call->tool : "", call != NULL ? ": " : "", text,
                       trace != NULL ? " (trace " : "", trace != NULL ? trace : "", trace != NULL ? ")" : "");
  add (&entry, "PRIORITY", digit);
  add (&entry, "GLIB_DOMAIN", G_LOG_DOMAIN);
  add (&entry, "MESSAGE", message);
  add (&entry, "COLLET_MODULE", spec->module);
  add (&entry, "COLLET_VERSION", spec->version->semver);
  add (&entry, "COLLET_SHA256", spec->version->sha256);
  add (&entry, "COLLET_GENERATION", number);
  add (&entry, "COLLET_TOOL", call != NULL ? call->tool : NULL);
  add (&entry, "COLLET_TRACE", trace);
  add (&entry, "COLLET_CALLER", call != NULL ? call->caller : NULL);
  add (&entry, "COLLET_ERROR", error_name);
  g_log_structured_array (G_LOG_LEVEL_MESSAGE, entry.fields, entry.n);
}

void
collet_call_log_add_line (ColletGeneration *generation, const ColletCall *call, int level, const char *json,
                          gsize size)
{
  g_autoptr (ColletJson) line = NULL;
  g_autofree char *text = NULL;

  if (level < get_level () || level > COLLET_LEVEL_EMERGENCY || !take_room ())
    return;
  /* From a module's process: it may be anything. */
  line = collet_json_parse_borrowed (json, (gssize)size, NULL);
  if (line != NULL && collet_json_get_type (line, 0) == COLLET_JSON_OBJECT)
    {
      ColletJsonNode data = collet_json_member (line, 0, "data");

      text = data != 0 ? collet_json_dup_string (line, data) : NULL;
    }
  if (text != NULL)
    write_entry (generation, call, 7 - level, NULL, text);
}

void
collet_call_log_add_failure (ColletGeneration *generation, const ColletCall *call, const GError *error)
{
  const char *name = collet_error_name_of (error);
  g_autofree char *text = NULL;

  if (!take_room ())
    return;
  text = g_strdup_printf ("%s: %s", name, error->message);
  write_entry (generation, call, 4, name, text);
}

void
collet_call_log_add_refusal (ColletGeneration *generation, const char *system_call)
{
  const char *name = collet_error_name (COLLET_ERROR_WORKER_CONFINED);
  g_autoptr (GPtrArray) list = collet_refusals_list_new ();
  g_autofree char *what = NULL;
  g_autofree char *text = NULL;

  if (!take_room ())
    return;
  collet_refusals_list_add (list, system_call, 1);
  what = collet_refusals_list_dup_text (list);
  text = g_strdup_printf ("%s: %s The call failed, the module goes on. %s", name, what,
                          collet_refusals_list_get_remedy (list));
  write_entry (generation, NULL, 4, name, text);
}
