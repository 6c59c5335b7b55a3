/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-text.h"

#include <glib/gi18n.h>
#include <unistd.h>
#include <pwd.h>

#include "collet-error-remedy.h"
#include "collet-error.h"

#define SHORT_VERSION 12
#define US_PER_SECOND G_USEC_PER_SEC

typedef struct
{
  ColletWord what;
  const char *word;
  const char *text;
  ColletStatusKind status;
} Word;

static const Word words[] = {
  { COLLET_WORD_KIND, "load", N_ ("Load"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_KIND, "hot-reload", N_ ("Reload"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_KIND, "swap", N_ ("Swap"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_KIND, "rollback", N_ ("Rollback"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_KIND, "sync", N_ ("Sync"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_KIND, "unload", N_ ("Unload"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_KIND, "drain", N_ ("Drain"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_KIND, "resume", N_ ("Resume"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_KIND, "shutdown", N_ ("Shutdown"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_KIND, "adopt-store", N_ ("Store adopted"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_RELOAD_STATE, "running", N_ ("Running"), COLLET_STATUS_BUSY },
  { COLLET_WORD_RELOAD_STATE, "waiting", N_ ("Waiting"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_RELOAD_STATE, "succeeded", N_ ("Succeeded"), COLLET_STATUS_OK },
  { COLLET_WORD_RELOAD_STATE, "failed", N_ ("Failed"), COLLET_STATUS_BROKEN },
  { COLLET_WORD_RELOAD_STATE, "refused", N_ ("Refused"), COLLET_STATUS_BROKEN },
  { COLLET_WORD_RELOAD_STATE, "cancelled", N_ ("Cancelled"), COLLET_STATUS_ABSENT },
  { COLLET_WORD_RELOAD_STATE, "prepared", N_ ("Prepared"), COLLET_STATUS_BUSY },
  { COLLET_WORD_RELOAD_STATE, "applied", N_ ("Applied"), COLLET_STATUS_OK },
  { COLLET_WORD_RELOAD_STATE, "lagging", N_ ("Lagging"), COLLET_STATUS_ATTENTION },
  { COLLET_WORD_RELOAD_STATE, "down", N_ ("Down"), COLLET_STATUS_OFFLINE },
  { COLLET_WORD_RELOAD_STATE, "undone", N_ ("Given up"), COLLET_STATUS_ABSENT },
  { COLLET_WORD_RELOAD_STATE, "interrupted", N_ ("Interrupted"), COLLET_STATUS_ATTENTION },
  { COLLET_WORD_PHASE, "preflight", N_ ("Check"), COLLET_STATUS_BUSY },
  { COLLET_WORD_PHASE, "prepare", N_ ("Prepare"), COLLET_STATUS_BUSY },
  { COLLET_WORD_PHASE, "prepared", N_ ("Prepared, waits for commit"), COLLET_STATUS_ATTENTION },
  { COLLET_WORD_PHASE, "canary", N_ ("Canary: some callers have it"), COLLET_STATUS_ATTENTION },
  { COLLET_WORD_PHASE, "commit", N_ ("Commit"), COLLET_STATUS_BUSY },
  { COLLET_WORD_PHASE, "drain", N_ ("Drain"), COLLET_STATUS_BUSY },
  { COLLET_WORD_PHASE, "trial", N_ ("Trial"), COLLET_STATUS_ATTENTION },
  { COLLET_WORD_PHASE, "done", N_ ("Done"), COLLET_STATUS_OK },
  { COLLET_WORD_STRATEGY, "local", N_ ("This node only"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_STRATEGY, "sync_all", N_ ("All nodes at once"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_STRATEGY, "quorum", N_ ("More than half"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_STRATEGY, "rolling", N_ ("Wave by wave"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_MODULE_STATE, "cold", N_ ("Starts with its first call"), COLLET_STATUS_ABSENT },
  { COLLET_WORD_MODULE_STATE, "starting", N_ ("Starting"), COLLET_STATUS_BUSY },
  { COLLET_WORD_MODULE_STATE, "running", N_ ("Running"), COLLET_STATUS_OK },
  { COLLET_WORD_MODULE_STATE, "restarting", N_ ("Restarting"), COLLET_STATUS_ATTENTION },
  { COLLET_WORD_MODULE_STATE, "broken", N_ ("Broken"), COLLET_STATUS_BROKEN },
  { COLLET_WORD_MODULE_STATE, "draining", N_ ("Draining"), COLLET_STATUS_ATTENTION },
  { COLLET_WORD_MODULE_STATE, "drained", N_ ("Drained"), COLLET_STATUS_ATTENTION },
  { COLLET_WORD_NODE_STATE, "live", N_ ("Live"), COLLET_STATUS_OK },
  { COLLET_WORD_NODE_STATE, "down", N_ ("Down"), COLLET_STATUS_OFFLINE },
  { COLLET_WORD_NODE_STATE, "joining", N_ ("Joining"), COLLET_STATUS_BUSY },
  { COLLET_WORD_NODE_STATE, "minority", N_ ("Without quorum"), COLLET_STATUS_ATTENTION },
  { COLLET_WORD_NODE_STATE, "frozen", N_ ("Frozen"), COLLET_STATUS_BROKEN },
  { COLLET_WORD_COMPATIBILITY, "new", N_ ("New module"), COLLET_STATUS_OK },
  { COLLET_WORD_COMPATIBILITY, "identical", N_ ("Identical"), COLLET_STATUS_OK },
  { COLLET_WORD_COMPATIBILITY, "behaviour-only", N_ ("Same schemas, other code"), COLLET_STATUS_OK },
  { COLLET_WORD_COMPATIBILITY, "compatible", N_ ("Compatible"), COLLET_STATUS_OK },
  { COLLET_WORD_COMPATIBILITY, "breaking", N_ ("Breaking"), COLLET_STATUS_ATTENTION },
  { COLLET_WORD_TRUST, "owned", N_ ("trusted by its owner"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_TRUST, "unsigned", N_ ("unsigned"), COLLET_STATUS_NEUTRAL },
  { COLLET_WORD_OUTCOME, "passed", N_ ("Passed"), COLLET_STATUS_OK },
  { COLLET_WORD_OUTCOME, "warning", N_ ("Warning"), COLLET_STATUS_ATTENTION },
  { COLLET_WORD_OUTCOME, "failed", N_ ("Failed"), COLLET_STATUS_BROKEN },
  { COLLET_WORD_OUTCOME, "skipped", N_ ("Skipped"), COLLET_STATUS_ABSENT },
};

static const Word *
find (ColletWord what, const char *word)
{
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (words[i].what == what && g_str_equal (words[i].word, word))
      return &words[i];
  return NULL;
}

const char *
collet_text_of (ColletWord what, const char *word)
{
  const Word *found = find (what, word);

  return found != NULL ? _ (found->text) : word;
}

ColletStatusKind
collet_text_status_of (ColletWord what, const char *word)
{
  const Word *found = find (what, word);

  return found != NULL ? found->status : COLLET_STATUS_UNKNOWN;
}

/* Numbers around a neutral sign would change places where text runs from right to
 * left: 1 → 2 would be read as 2 → 1. What follows is still read from the right,
 * which is what the mark at the start is for. */
#define MARK "\xe2\x80\x8f"

static char *
isolate (char *text)
{
  if (gtk_widget_get_default_direction () != GTK_TEXT_DIR_RTL)
    return text;
  char *isolated = g_strdup_printf (MARK "\xe2\x81\xa6%s\xe2\x81\xa9", text);
  g_free (text);
  return isolated;
}

/* Within what is isolated the mark would turn it round again. */
static const char *
skip_mark (const char *text)
{
  return g_str_has_prefix (text, MARK) ? text + strlen (MARK) : text;
}

char *
collet_text_dup_change (const char *from, const char *to)
{
  return isolate (g_strdup_printf ("%s → %s", skip_mark (from), skip_mark (to)));
}

char *
collet_text_dup_version (const char *sha256)
{
  return *sha256 != '\0' ? g_strndup (sha256, SHORT_VERSION) : g_strdup ("–");
}

char *
collet_text_dup_full_version (const char *semantic, const char *sha256)
{
  g_autofree char *version = collet_text_dup_version (sha256);

  if (*semantic == '\0')
    return g_steal_pointer (&version);
  if (*sha256 == '\0')
    return g_strdup (semantic);
  return isolate (g_strdup_printf ("%s (%s)", semantic, version));
}

char *
collet_text_dup_ago (gint64 time)
{
  gint64 seconds = (g_get_real_time () - time) / US_PER_SECOND;

  if (time <= 0)
    return g_strdup (_ ("never"));
  if (seconds < 5)
    return g_strdup (_ ("just now"));
  if (seconds < 60)
    return g_strdup_printf (ngettext ("%d second ago", "%d seconds ago", (gulong)seconds), (int)seconds);
  if (seconds < 3600)
    return g_strdup_printf (ngettext ("%d minute ago", "%d minutes ago", (gulong)(seconds / 60)),
                            (int)(seconds / 60));
  if (seconds < 86400)
    return g_strdup_printf (ngettext ("%d hour ago", "%d hours ago", (gulong)(seconds / 3600)),
                            (int)(seconds / 3600));
  return collet_text_dup_time (time);
}

static char *
dup_time (gint64 time, const char *format)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (time / US_PER_SECOND);
  g_autoptr (GDateTime) local = utc != NULL ? g_date_time_to_local (utc) : NULL;

  if (time <= 0 || local == NULL)
    return g_strdup ("–");
  return isolate (g_date_time_format (local, format));
}

char *
collet_text_dup_time (gint64 time)
{
  return dup_time (time, "%Y-%m-%d %H:%M:%S");
}

char *
collet_text_dup_short_time (gint64 time)
{
  g_autofree char *day = dup_time (time, "%F");
  g_autofree char *today = dup_time (g_get_real_time (), "%F");

  return dup_time (time, g_str_equal (day, today) ? "%H:%M:%S" : "%Y-%m-%d %H:%M");
}

char *
collet_text_dup_duration (gint64 duration)
{
  if (duration < 0)
    return g_strdup ("–");
  if (duration < 1000)
    return g_strdup_printf (_ ("%d µs"), (int)duration);
  if (duration < US_PER_SECOND)
    return g_strdup_printf (_ ("%.1f ms"), (double)duration / 1000);
  if (duration < 60 * (gint64)US_PER_SECOND)
    return g_strdup_printf (_ ("%.1f s"), (double)duration / US_PER_SECOND);
  if (duration < 3600 * (gint64)US_PER_SECOND)
    return g_strdup_printf (_ ("%d min %d s"), (int)(duration / US_PER_SECOND / 60),
                            (int)(duration / US_PER_SECOND % 60));
  return g_strdup_printf (_ ("%d h %d min"), (int)(duration / US_PER_SECOND / 3600),
                          (int)(duration / US_PER_SECOND / 60 % 60));
}

char *
collet_text_dup_size (gint64 bytes)
{
  return g_format_size ((guint64)MAX (bytes, 0));
}

char *
collet_text_dup_initiator (gint64 uid)
{
  char buffer[4096];
  struct passwd entry, *found = NULL;

  if (uid < 0)
    return g_strdup (_ ("the daemon itself"));
  if (getpwuid_r ((uid_t)uid, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
    return g_strdup (found->pw_name);
  return g_strdup_printf (_ ("user %d"), (int)uid);
}

char *
collet_text_dup_modules (ColletItem *reload)
{
  g_auto (GStrv) names = collet_item_dup_strv (reload, "Modules");
  g_autoptr (GPtrArray) items = NULL;
  g_autoptr (GString) text = NULL;

  if (names[0] != NULL)
    return g_strjoinv (", ", names);
  items = collet_item_dup_rows (reload, "Items");
  text = g_string_new (NULL);
  for (guint i = 0; i < items->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "",
                            collet_item_get_string (items->pdata[i], "module"));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

gboolean
collet_text_is_agreed (ColletItem *reload)
{
  const char *strategy = collet_item_get_string (reload, "Strategy");

  return *strategy != '\0' && !g_str_equal (strategy, "local");
}

char *
collet_text_dup_reload_title (ColletItem *reload)
{
  g_autofree char *modules = collet_text_dup_modules (reload);
  const char *kind = collet_text_of (COLLET_WORD_KIND, collet_item_get_string (reload, "Kind"));

  if (*modules == '\0')
    return g_strdup (kind);
  /* Translators: what was done (Reload, Rollback, …), and to which modules */
  return g_strdup_printf (_ ("%s of %s"), kind, modules);
}

char *
collet_text_dup_error (const GError *error)
{
  const char *rest = g_str_has_prefix (error->message, "GDBus.Error:") ? strstr (error->message, ": ") : NULL;

  return g_strdup (rest != NULL ? rest + 2 : error->message);
}

char *
collet_text_dup_advice (const char *message, const char *remedy)
{
  return *remedy == '\0' || strstr (message, remedy) != NULL ? g_strdup (message)
                                                             : g_strdup_printf ("%s\n%s", message, remedy);
}

char *
collet_text_dup_error_advice (const GError *error)
{
  g_autofree char *message = collet_text_dup_error (error);

  return collet_text_dup_advice (message, error->domain == COLLET_ERROR
                                              ? _ (collet_error_remedy ((ColletError)error->code))
                                              : "");
}

char *
collet_text_dup_own_subscriber (void)
{
  return g_strdup_printf ("uid:%u", (guint)geteuid ());
}
