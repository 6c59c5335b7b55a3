/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-bench-json.h: a lean reader of JSON for both ends of a measurement: it
 * checks the syntax once and finds members as slices of the text. The load
 * client may not cost more than what it measures, and what Collet is measured
 * against may not be slowed by a tree that nobody needs.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Borrowed bytes; at == NULL: absent. */
typedef struct
{
  const char *at;
  gsize size;
} BenchSlice;

/* The one value that `text` is, without the white space around it; absent if it
 * is not RFC 8259 (at most 64 levels; duplicate names and UTF-8 are not looked
 * at). */
BenchSlice bench_json_root (const char *text, gsize size);
/* Member of a checked object; `name` is compared with the raw bytes. Absent if
 * it is not there or `object` is not an object. */
BenchSlice bench_json_member (BenchSlice object, const char *name);
/* First element of a checked array. */
BenchSlice bench_json_first (BenchSlice array);
gboolean bench_json_get_int64 (BenchSlice value, gint64 *number);
/* Without the quotes, escapes left as they are; absent for another type. */
BenchSlice bench_json_string (BenchSlice value);
gboolean bench_slice_equals (BenchSlice slice, const char *text);
char *bench_slice_dup (BenchSlice slice); /* NULL if absent */
/* Quoted and escaped. */
void bench_json_append_string (GString *out, const char *text);

G_END_DECLS
