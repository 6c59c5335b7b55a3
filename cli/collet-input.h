/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-input.h: what comes in on standard input.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* All of it, NUL-terminated; MessageTooLarge past `max` bytes. */
char *collet_input_read (gsize max, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
