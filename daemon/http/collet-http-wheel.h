/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-http-wheel.h: the open streams of a listener, spread over as many slots
 * as a keep-alive period has ticks, so that keep-alives come evenly and no stream
 * needs a timer. Thread-safe.
 */
#pragma once

#include "collet-http-stream.h"

G_BEGIN_DECLS

typedef struct _ColletHttpWheel ColletHttpWheel;

/* Embedded by the stream's owner; zeroed before it is added. */
typedef struct
{
  GList link;
  guint slot;
} ColletHttpSpoke;

ColletHttpWheel *collet_http_wheel_new (guint period_ms, guint max_streams);
void collet_http_wheel_free (ColletHttpWheel *wheel);

/* FALSE: there are max_streams already. */
gboolean collet_http_wheel_add (ColletHttpWheel *wheel, ColletHttpSpoke *spoke, ColletHttpStream *stream);
void collet_http_wheel_remove (ColletHttpWheel *wheel, ColletHttpSpoke *spoke);
guint collet_http_wheel_get_length (ColletHttpWheel *wheel);

/* Keeps the streams of the next slot alive. */
void collet_http_wheel_turn (ColletHttpWheel *wheel);
/* Does `act` to every stream, with the wheel locked. */
void collet_http_wheel_for_all (ColletHttpWheel *wheel, void (*act) (ColletHttpStream *stream));

G_END_DECLS
