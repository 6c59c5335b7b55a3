/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fake-tools.h: a directory of tools that behave in every way a module can,
 * without any module: what the tests of mcp/ and http/ call.
 */
#pragma once

#include "collet-tool-list.h"

G_BEGIN_DECLS

/* A version that is live beside what is published. */
#define FAKE_TOOLS_OLD "0.9.0"

typedef struct _FakeTools FakeTools;

FakeTools *fake_tools_new (void);
/* Waits for the calls that run. */
void fake_tools_free (FakeTools *tools);

ColletToolDirectory *fake_tools_get_directory (FakeTools *tools);

/* A list with this many more tools ("extra-001", ...), with this version. */
void fake_tools_publish (FakeTools *tools, guint n_extra, const char *semver);

/* Called after test_trigger_tool_change published another list. */
void fake_tools_set_on_change (FakeTools *tools, void (*on_change) (gpointer user_data), gpointer user_data);

/* Calls that were told to end early, so far. */
guint fake_tools_count_cancelled (FakeTools *tools);
guint fake_tools_count_running (FakeTools *tools);

G_END_DECLS
