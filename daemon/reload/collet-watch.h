/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-watch.h: folders whose finished builds are loaded at once, for tool
 * authors. A file NAME.so that was closed after writing, moved or linked into the
 * folder is looked at when nobody writes to it and its content is new; links,
 * hidden files and editors' leavings are not. Main thread.
 */
#pragma once

#include "collet-reloader.h"

G_BEGIN_DECLS

/* How what is found is loaded. */
typedef struct
{
  char *host; /* or NULL */
  gboolean allow_breaking;
  gboolean discard_state;
  gint64 uid; /* who watches; -1: the daemon */
} ColletWatchOptions;

typedef struct
{
  const char *folder;
  const char *file;     /* its name; "": the folder itself */
  const char *state;    /* "loaded" | "refused" (before it began) | "failed" | "gone" | "back" */
  ColletReload *reload; /* or NULL */
  const GError *error;  /* or NULL */
} ColletWatchReport;

#define COLLET_TYPE_WATCHES (collet_watches_get_type ())
G_DECLARE_FINAL_TYPE (ColletWatches, collet_watches, COLLET, WATCHES, GObject)

ColletWatches *collet_watches_new (ColletReloader *reloader);
/* An absolute path. What is there already is loaded unless a version of it was
 * before. A second time takes the new options. NotFound, InvalidArgument. */
gboolean collet_watches_add (ColletWatches *self, const char *folder, const ColletWatchOptions *options,
                             GError **error);
/* NotFound. */
gboolean collet_watches_remove (ColletWatches *self, const char *folder, GError **error);
/* At the end of the daemon. */
void collet_watches_clear (ColletWatches *self);

/* Signal "report" (const ColletWatchReport *). */

G_END_DECLS
