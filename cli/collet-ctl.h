/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-ctl.h: what every verb shares: the options before the verb, the way to
 * the daemon, and how a result or an error is said.
 */
#pragma once

#include "collet-client.h"

G_BEGIN_DECLS

/* Exit status; documented in colletctl(1). */
typedef enum
{
  COLLET_EXIT_OK = 0,
  COLLET_EXIT_FAILED = 1,
  COLLET_EXIT_USAGE = 2,
  COLLET_EXIT_NOT_REACHABLE = 3,
} ColletExit;

typedef struct
{
  ColletClientBus bus;
  gboolean json;
  gboolean no_color;
  double timeout_s; /* 0: not given */
  ColletClient *client;
  GSubprocess *agent; /* asks for passwords, once one was needed */
} ColletCtl;

void collet_ctl_clear (ColletCtl *self);

/* Connects at its first use. Borrowed. */
ColletClient *collet_ctl_get_client (ColletCtl *self, GError **error);
/* The time limit given, else `default_ms`; 0: none. */
guint collet_ctl_get_timeout_ms (ColletCtl *self, guint default_ms);
/* Calls a method of the Manager with the time limit that was given, else none.
 * The reply must be of `type`. */
GVariant *collet_ctl_call (ColletCtl *self, const char *method, GVariant *arguments, const char *type,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same with file descriptors, which `fds` (or NULL) has for the call, and
 * *reply_fds (NULL, if they do not matter) of the reply. */
GVariant *collet_ctl_call_with_fds (ColletCtl *self, const char *method, GVariant *arguments,
                                    const char *type, GUnixFDList *fds, GUnixFDList **reply_fds,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Says the error, on standard error or as JSON, and gives the exit status. */
ColletExit collet_ctl_fail (ColletCtl *self, const GError *error);
/* The same, with a member more in the JSON: `name`: `value` (may be NULL). */
ColletExit collet_ctl_fail_with (ColletCtl *self, const GError *error, const char *name, GVariant *value);
ColletExit collet_ctl_fail_usage (ColletCtl *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* {"name":value}. */
void collet_ctl_print_json (const char *name, GVariant *value);

/* "a" -> "/present/folder/a" if there is such a file, or if it has a slash; else
 * as it is: the name of a module, or of a file in the module path. */
char *collet_ctl_dup_source (const char *argument);

/* Reading rows; a missing member is the empty value. */
const char *collet_row_string (GVariant *row, const char *name); /* borrowed from row */
gint64 collet_row_int (GVariant *row, const char *name);         /* any integer type */
gboolean collet_row_bool (GVariant *row, const char *name);
double collet_row_double (GVariant *row, const char *name);
/* Joined with ", ". */
char *collet_row_dup_list (GVariant *row, const char *name);

G_END_DECLS
