/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-reload-terms.h: what a request asks of every node that carries it out,
 * for the others of a cluster.
 */
#pragma once

#include "collet-reload-request.h"

G_BEGIN_DECLS

/* As a JSON object, or NULL: nothing beyond the ordinary; g_free. */
char *collet_reload_terms_write (const ColletReloadRequest *request);
/* Sets them in a request. What another node wrote is foreign: InvalidArgument for
 * what is none of these, also a term that only a newer daemon knows. NULL: none. */
gboolean collet_reload_terms_read (ColletReloadRequest *request, const char *terms,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
