/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-source.h: GLib's sources, put away in one step.
 */
#pragma once

#include <glib.h>

static inline void
collet_source_destroy (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* Nothing if it is NULL already. */
static inline void
collet_source_drop (GSource **source)
{
  g_clear_pointer (source, collet_source_destroy);
}
