/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-arguments.h: arguments of a tool from the command line.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "name=value" words to one JSON object. A value is text where `schema` (the
 * tool's inputSchema, or "") asks for a string there; else, where it is JSON, it
 * stands as it is; else it is text. InvalidArgument: a word without "=", or a
 * name twice. */
char *collet_arguments_dup_json (char **words, const char *schema, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
