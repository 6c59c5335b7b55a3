/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-change.h: asks for a change, stays with it until its end, and says what
 * became of it.
 */
#pragma once

#include <glib/gi18n.h>

#include "collet-ctl.h"

G_BEGIN_DECLS

/* What the options of the changing verbs say. */
typedef struct
{
  char *reason;
  char *host;
  char *expect_version;
  char *state;
  char *artifact;
  char *smoke_tests; /* a file */
  gboolean allow_breaking;
  double grace_s; /* < 0: not given */
  gboolean discard_state;
  gboolean no_wait;
  const char *until_phase; /* what it waits for instead of the end, or NULL */
  double drain_timeout_s;
  int canary_percent;
  GStrv canary_callers;
  double trial_s;
  double trial_error_rate; /* < 0: not given */
  double trial_slowdown;
} ColletChangeOptions;

/* The one set of options; there is one verb in a process. */
extern ColletChangeOptions collet_change_options;

/* Entries for a verb's table. */
#define COLLET_CHANGE_REASON                                                                                 \
  {                                                                                                          \
    "reason", 'r', 0, G_OPTION_ARG_STRING, &collet_change_options.reason, N_ ("Why, for the history"),       \
        "TEXT"                                                                                               \
  }
#define COLLET_CHANGE_NO_WAIT                                                                                \
  {                                                                                                          \
    "no-wait", 0, 0, G_OPTION_ARG_NONE, &collet_change_options.no_wait,                                      \
        N_ ("Print the reload's id as soon as the request was accepted"), NULL                               \
  }
#define COLLET_CHANGE_HOST                                                                                   \
  {                                                                                                          \
    "host", 0, 0, G_OPTION_ARG_STRING, &collet_change_options.host,                                          \
        N_ ("What runs it: worker (a process of its own) or in-process"), "KIND"                             \
  }
#define COLLET_CHANGE_EXPECT                                                                                 \
  {                                                                                                          \
    "expect-version", 0, 0, G_OPTION_ARG_STRING, &collet_change_options.expect_version,                      \
        N_ ("Refuse unless this version runs"), "VERSION"                                                    \
  }
#define COLLET_CHANGE_BREAKING                                                                               \
  {                                                                                                          \
    "allow-breaking", 0, 0, G_OPTION_ARG_NONE, &collet_change_options.allow_breaking,                        \
        N_ ("Accept schemas that present callers may not fit"), NULL                                         \
  }
#define COLLET_CHANGE_GRACE                                                                                  \
  {                                                                                                          \
    "grace", 0, 0, G_OPTION_ARG_DOUBLE, &collet_change_options.grace_s,                                      \
        N_ ("After a breaking change, take calls as before for this time; 0: not at all"), "SECONDS"         \
  }
#define COLLET_CHANGE_SMOKE                                                                                  \
  {                                                                                                          \
    "smoke-tests", 0, 0, G_OPTION_ARG_FILENAME, &collet_change_options.smoke_tests,                          \
        N_ ("Calls in a JSON file that the new version has to answer as given"), "FILE"                      \
  }
#define COLLET_CHANGE_STATE                                                                                  \
  {                                                                                                          \
    "state", 0, 0, G_OPTION_ARG_STRING, &collet_change_options.state,                                        \
        N_ ("auto, migrate (down, by the code), snapshot (the last one of that version) or discard"), "HOW"  \
  }
#define COLLET_CHANGE_DISCARD                                                                                \
  {                                                                                                          \
    "discard-state", 0, 0, G_OPTION_ARG_NONE, &collet_change_options.discard_state,                          \
        N_ ("Start the new version without the state of the old"), NULL                                      \
  }
#define COLLET_CHANGE_DRAIN                                                                                  \
  {                                                                                                          \
    "drain-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &collet_change_options.drain_timeout_s,                      \
        N_ ("End calls that are still on the old version after this time"), "SECONDS"                        \
  }

#define COLLET_CHANGE_TRIAL                                                                                  \
  { "trial",                                                                                                 \
    0,                                                                                                       \
    0,                                                                                                       \
    G_OPTION_ARG_DOUBLE,                                                                                     \
    &collet_change_options.trial_s,                                                                          \
    N_ ("Go back by itself if the new version is worse within this time"),                                   \
    "SECONDS" },                                                                                             \
      { "trial-error-rate",                                                                                  \
        0,                                                                                                   \
        0,                                                                                                   \
        G_OPTION_ARG_DOUBLE,                                                                                 \
        &collet_change_options.trial_error_rate,                                                             \
        N_ ("How much higher its rate of errors may be, 0 to 1 (0.1)"),                                      \
        "RATE" },                                                                                            \
  {                                                                                                          \
    "trial-slowdown", 0, 0, G_OPTION_ARG_DOUBLE, &collet_change_options.trial_slowdown,                      \
        N_ ("How many times as long 95 percent of its calls may take"), "TIMES"                              \
  }

/* All that can be asked of a new version. */
#define COLLET_CHANGE_NEW_VERSION                                                                            \
  COLLET_CHANGE_REASON, COLLET_CHANGE_HOST, COLLET_CHANGE_EXPECT, COLLET_CHANGE_BREAKING,                    \
      COLLET_CHANGE_GRACE, COLLET_CHANGE_SMOKE, COLLET_CHANGE_DISCARD, COLLET_CHANGE_DRAIN,                  \
      COLLET_CHANGE_TRIAL

/* Calls `method`; `head` (floating) has its arguments without the options, which
 * come last. The verb's exit status. */
ColletExit collet_change_run (ColletCtl *ctl, const char *method, GVariant *head);
/* The same, with options (floating) other than those of collet_change_options. */
ColletExit collet_change_run_with (ColletCtl *ctl, const char *method, GVariant *head, GVariant *options);
/* "reason", the option that every change has, in a builder of type a{sv}. */
/* What a method that answers with a Reload's path gave, or the error: the same
 * from there. */
ColletExit collet_change_take (ColletCtl *ctl, GVariant *reply, const GError *error);
/* All that were given. FALSE: a file could not be read. */
gboolean collet_change_add_options (ColletCtl *ctl, GVariantBuilder *options, GError **error);
void collet_change_add_reason (GVariantBuilder *options);
/* Stays with a reload that is known already. */
ColletExit collet_change_follow (ColletCtl *ctl, const char *path);

G_END_DECLS
