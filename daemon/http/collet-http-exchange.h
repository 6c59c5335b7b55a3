/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-http-exchange.h: ColletExchange over libmicrohttpd.
 */
#pragma once

#include "collet-http-connection.h"

G_BEGIN_DECLS

/* As MHD_AccessHandlerCallback and MHD_RequestCompletedCallback; cls is the
 * ColletHttpShared. */
enum MHD_Result collet_http_exchange_on_access (void *cls, struct MHD_Connection *mhd, const char *url,
                                                const char *method, const char *version, const char *upload,
                                                size_t *upload_size, void **request_context);
void collet_http_exchange_on_completed (void *cls, struct MHD_Connection *mhd, void **request_context,
                                        enum MHD_RequestTerminationCode code);

/* With the connection's lock: a reference, if the handler has not answered and
 * was not told that the client is gone; NULL otherwise. */
ColletHttpExchange *collet_http_exchange_ref_unanswered (ColletHttpExchange *exchange);
/* Without it: tells the handler that the client is gone; takes the reference. */
void collet_http_exchange_lose (ColletHttpExchange *exchange);
/* With the lock: a reference, if it has no answer yet. */
ColletHttpExchange *collet_http_exchange_ref_waiting (ColletHttpExchange *exchange);
/* Answers 503 in the handler's stead and tells it, if nobody did; takes the reference. */
void collet_http_exchange_abandon (ColletHttpExchange *exchange);

G_END_DECLS
