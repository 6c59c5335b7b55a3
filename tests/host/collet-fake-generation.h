/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-fake-generation.h: a generation that keeps its calls until the test says
 * what becomes of them.
 */
#pragma once

#include "collet-generation.h"

G_BEGIN_DECLS

#define FAKE_TYPE_GENERATION (fake_generation_get_type ())
G_DECLARE_FINAL_TYPE (FakeGeneration, fake_generation, FAKE, GENERATION, ColletGeneration)

FakeGeneration *fake_generation_new (guint64 number); /* version 1.0.0 of "/m.so" */
/* Another version: its bytes are those of `path`, as it were. */
FakeGeneration *fake_generation_new_version (guint64 number, const char *version, const char *path);
guint fake_generation_get_held (FakeGeneration *self);
guint fake_generation_get_cancelled (FakeGeneration *self);
/* Any thread: answers the oldest one; FALSE: there is none. */
gboolean fake_generation_answer_one (FakeGeneration *self);
/* Answers at once from now on. */
void fake_generation_set_prompt (FakeGeneration *self, gboolean prompt);
/* Arguments of the calls that came, in order. */
const char *fake_generation_get_seen (FakeGeneration *self);

G_END_DECLS
