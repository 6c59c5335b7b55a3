/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-former-form.h: how arguments in the form of the version before become
 * those of a tool as it is now: "former" of a tool in the manifest. Of an object's
 * own members only; pure.
 */
#pragma once

#include "collet-json-schema.h"

G_BEGIN_DECLS

typedef struct _ColletFormerForm ColletFormerForm; /* immutable */

/* `node`: the member "former"; `tool`: the tool's name; `schema`: its inputSchema,
 * 0: any object. InvalidManifest with the JSON pointer: a name that the inputSchema
 * does not have, a default that its own schema refuses, two names for one. */
ColletFormerForm *collet_former_form_read (const ColletJson *json, ColletJsonNode node, const char *tool,
                                           ColletJsonNode schema, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void collet_former_form_free (ColletFormerForm *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletFormerForm, collet_former_form_free)

/* Was the tool called that? */
gboolean collet_former_form_has_name (const ColletFormerForm *self, const char *name);
/* The names that it was called by; borrowed, may be empty. */
const char *const *collet_former_form_get_names (const ColletFormerForm *self);

/* The arguments (an object) in the present form, not yet checked. InvalidArguments:
 * something is given under its old and its new name. */
char *collet_former_form_apply (const ColletFormerForm *self, const ColletJson *json, ColletJsonNode node,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Can what fits the inputSchema `old` (0: any object) ever become what `now` wants?
 * NULL, or why never, in one sentence. What it cannot tell it takes for possible. */
char *collet_former_form_find_obstacle (const ColletFormerForm *self, const ColletJson *old_json,
                                        ColletJsonNode old, const ColletJson *now_json, ColletJsonNode now);

G_END_DECLS
