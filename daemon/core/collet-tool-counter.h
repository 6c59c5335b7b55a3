/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-tool-counter.h: how often a tool was called, over all its versions;
 * counted by whoever brought the call, from any thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColletToolCounter ColletToolCounter;

ColletToolCounter *collet_tool_counter_new (void);
ColletToolCounter *collet_tool_counter_ref (ColletToolCounter *counter);
void collet_tool_counter_unref (ColletToolCounter *counter);

/* A call was answered; is_error: not well. */
void collet_tool_counter_add (ColletToolCounter *counter, gboolean is_error);
/* A call in the form of a version before was accepted. */
void collet_tool_counter_add_former (ColletToolCounter *counter);
guint64 collet_tool_counter_get_former (ColletToolCounter *counter);
void collet_tool_counter_get (ColletToolCounter *counter, guint64 *calls, guint64 *errors);

G_END_DECLS
