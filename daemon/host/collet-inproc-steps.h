/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-inproc-steps.h: what a module is asked for beside calls, on a thread of
 * the pool, answered on the main thread. The step belongs to the thread: the
 * main thread may stop waiting for it, and it goes on by itself.
 */
#pragma once

#include "collet-inproc-pool.h"
#include "collet-mailbox.h"
#include <gio/gio.h>

struct collet_runtime;

G_BEGIN_DECLS

/* What became of a step. Main thread. */
typedef struct
{
  struct collet_runtime *runtime; /* of open: NULL if it failed */
  GBytes *bytes;                  /* NULL: it failed */
  GError *error;
  gboolean unloaded; /* of close */
} ColletInprocOutcome;

typedef void (*ColletInprocOutcomeFunc) (gpointer user_data, ColletInprocOutcome *outcome);

typedef enum
{
  COLLET_INPROC_OPEN,  /* dlopen, init, import of `payload` if there is one */
  COLLET_INPROC_STEP,  /* frame_type, status, detail as on the wire */
  COLLET_INPROC_CLOSE, /* fini, dlclose */
} ColletInprocKind;

typedef struct
{
  ColletInprocKind kind;
  const char *path; /* of open */
  struct collet_runtime *runtime;
  guint16 frame_type;
  int status;
  guint32 detail;
  GBytes *payload;
} ColletInprocRequest;

/* `func` is always called, on the main thread, when and if the step ends; then
 * `destroy`. */
void collet_inproc_steps_push (ColletInprocPool *pool, ColletMailbox *mailbox,
                               const ColletInprocRequest *request, ColletInprocOutcomeFunc func,
                               gpointer user_data, GDestroyNotify destroy);

G_END_DECLS
