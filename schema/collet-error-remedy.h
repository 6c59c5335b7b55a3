/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-error-remedy.h: what to do about each error, for people. Messages that
 * know better end with their own sentence; this is what is said otherwise, and
 * what colletctl and the app show below a message.
 */
#pragma once

#include "collet-error.h"

G_BEGIN_DECLS

/* What it means, for those who do not read the message's language: one sentence.
 * This and the remedy, one or two sentences, are English; translate them with _()
 * where people read them. Borrowed, static, never NULL. */
const char *collet_error_meaning (ColletError code);
const char *collet_error_remedy (ColletError code);

/* For where a message leaves us for people that have no such table: one of our
 * errors that says no more than what was found, in one sentence, also says what to
 * do. Takes and returns `error`; once is enough, twice does no harm. */
GError *collet_error_add_remedy (GError *error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
