/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-credential.h: secrets that the service manager hands over as files in a
 * folder that this service alone can read (systemd.exec(5), Credentials). They are
 * in no command line, no environment and no file of ours.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLLET_CREDENTIAL_TOKENS "collet.tokens"
#define COLLET_CREDENTIAL_ETCD_CA "collet.etcd-ca"
#define COLLET_CREDENTIAL_ETCD_CERTIFICATE "collet.etcd-certificate"
#define COLLET_CREDENTIAL_ETCD_KEY "collet.etcd-key"
#define COLLET_CREDENTIAL_REQUEST_STATE_KEY "collet.request-state-key"

/* Path of the one with that name, or NULL if none was handed over. */
char *collet_credential_dup_path (const char *name);

G_END_DECLS
