/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fake-exchange.h: a ColletExchange without a socket that remembers its answer.
 */
#pragma once

#include "collet-exchange.h"

G_BEGIN_DECLS

typedef struct _FakeExchange FakeExchange;

/* `headers`: "Name: value" lines, '\n' between them, or NULL. `body` may be NULL
 * and is copied; size < 0: NUL-terminated. */
FakeExchange *
fake_exchange_new (const char *method, const char *path, const char *headers, const char *body, gssize size);
void fake_exchange_unref (FakeExchange *fake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeExchange, fake_exchange_unref)

/* As a listener does it: begin, and if that did not answer, complete. */
void fake_exchange_run (FakeExchange *fake, const ColletExchangeHandler *handler, gpointer user_data);
/* The client goes away. */
void fake_exchange_lose (FakeExchange *fake, const ColletExchangeHandler *handler, gpointer user_data);

/* Blocks, up to some seconds, for the answer, or for a stream's end. */
void fake_exchange_wait (FakeExchange *fake);
/* Blocks until the stream holds `text`; FALSE if it does not come in time. */
gboolean fake_exchange_wait_for (FakeExchange *fake, const char *text);

gboolean fake_exchange_is_answered (FakeExchange *fake);
gboolean fake_exchange_is_stream (FakeExchange *fake);
gboolean fake_exchange_is_ended (FakeExchange *fake);
guint fake_exchange_get_status (FakeExchange *fake);
/* Of the answer; "" if absent. */
const char *fake_exchange_get_answer_header (FakeExchange *fake, const char *name);
/* Whole body, or what was sent on the stream so far; owned by the caller. */
char *fake_exchange_dup_text (FakeExchange *fake);

G_END_DECLS
