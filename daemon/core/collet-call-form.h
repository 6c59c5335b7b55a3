/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-call-form.h: do a call's arguments fit what will run it? Those that do
 * are passed on as they came, byte for byte; those in the form of a version before
 * are taken over, where the tool says how. The one place where that is decided.
 */
#pragma once

#include "collet-tool-list.h"

G_BEGIN_DECLS

/* The arguments, an object, of a call of `entry`: sets the call's tool and
 * arguments (borrowed from `json`, or made anew) and what goes with them. FALSE:
 * InvalidArguments, whose message says so if they were right before; nothing is
 * left in the call. */
gboolean collet_call_form_check (ColletCall *call, const ColletToolEntry *entry, gint64 now,
                                 const ColletJson *json, ColletJsonNode node,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A call whose arguments fit call->checked comes to a version with another manifest:
 * a reload was quicker, or it is a canary. Its tool and arguments become those of
 * `manifest`. InvalidArguments, ToolNotFound; the call is then as it was. */
gboolean
collet_call_form_renew (ColletCall *call, ColletManifest *manifest, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What these left in a call; once it is done. */
void collet_call_form_clear (ColletCall *call);

/* "org.collet/former":{"version":"1.0.0","acceptedUntil":"2026-..."} for a result's
 * _meta, behind a comma; nothing if it came in the present form. */
void collet_call_form_append (GString *out, const ColletCall *call);

G_END_DECLS
