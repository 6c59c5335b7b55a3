/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-smoke-test.h: example calls with the results that a new version has to
 * give before it serves. As JSON: [{"tool", "arguments", "result"}]. Pure.
 *
 * "result" is compared with MCP's CallToolResult: an object of it must be
 * contained, that is each of its members is there and, if it is an object, itself
 * contained, else equal; what it does not mention may be anything. Whether the
 * tool failed is compared always; "isError" is false if it is not given.
 */
#pragma once

#include "collet-error.h"
#include "collet-json.h"

G_BEGIN_DECLS

#define COLLET_SMOKE_TESTS_MAX 64

typedef struct
{
  char *tool;      /* the module's own name of it */
  char *arguments; /* JSON object */
  char *result;    /* JSON object */
} ColletSmokeTest;

void collet_smoke_test_free (ColletSmokeTest *test);

/* ColletSmokeTest. InvalidJson, or InvalidArgument saying where. */
GPtrArray *collet_smoke_tests_parse (const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same from a node, with errors of that code. */
GPtrArray *collet_smoke_tests_read (const ColletJson *json, ColletJsonNode node, ColletError code,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* NULL: it is the expected answer. Else "at /structuredContent/result expected 3,
 * got 4", in not too many words. */
char *collet_smoke_test_compare (const ColletSmokeTest *test, const ColletJson *answer);

/* JSON for people, not too long. */
char *collet_smoke_test_dup_shown (const char *json, gsize size);

G_END_DECLS
