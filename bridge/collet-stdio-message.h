/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-stdio-message.h: what the bridge must know of one JSON-RPC message to
 * carry it; the text itself passes through untouched. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  COLLET_STDIO_INVALID, /* not one JSON-RPC message; the daemon says what is wrong */
  COLLET_STDIO_REQUEST,
  COLLET_STDIO_NOTIFICATION,
  COLLET_STDIO_RESPONSE,
} ColletStdioKind;

typedef struct
{
  ColletStdioKind kind;
  char *id;                    /* as it stands in the text; of a response too; or NULL */
  char *method;                /* or NULL */
  char *cancelled;             /* notifications/cancelled: the requestId as it stands; or NULL */
  char *revision;              /* of a modern message, or that a result of initialize agrees on; or NULL */
  gboolean is_modern;          /* names its version of the protocol itself */
  gboolean is_unknown_session; /* an error that says so */
} ColletStdioMessage;

/* Never fails: what cannot be read is INVALID. */
ColletStdioMessage *collet_stdio_message_read (const char *text, gsize size);
void collet_stdio_message_free (ColletStdioMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletStdioMessage, collet_stdio_message_free)

gboolean collet_stdio_message_is (const ColletStdioMessage *message, const char *method);
/* Whether doing it twice is as good as once. */
gboolean collet_stdio_message_is_repeatable (const ColletStdioMessage *message);

/* An error reply, one line without its end. `reason`: a name of collet-error.h. */
char *collet_stdio_error_new (const char *id, const char *reason, const char *text);

G_END_DECLS
