/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-options.h: how colletd is told what to do.
 */
#pragma once

#include "collet-config.h"

G_BEGIN_DECLS

typedef struct
{
  char *config_path;          /* of --config, or NULL */
  char *config_fallback;      /* read if it is there and no other was named */
  GStrv sets;                 /* of --set */
  ColletConfig *config;       /* what both say; fields below win over it */
  gboolean is_system;         /* bus; else the session's */
  char *data_folder;          /* absolute */
  char *listen;               /* HOST:PORT of MCP over TCP, or NULL: none */
  char *socket;               /* path of the MCP unix socket, or NULL: none */
  gboolean is_default_listen; /* nobody asked for it: the user's daemon does without if it is taken */
  gboolean is_default_socket; /* the same, whoever's daemon it is */
  char *trust;                /* "signed", "owned", "any", or NULL: the default */
  char *keys;                 /* folder of the trusted keys */
  GStrv module_path;          /* absolute folders */
  GStrv watch;                /* likewise, or NULL: builds in them are loaded at once */
  char *worker;               /* path of collet-worker */
  char *node_name;
  int http_threads;
  int worker_memory_mib; /* address space of a worker; 0: not limited */
  gboolean record_calls;
  gboolean allow_unconfined;
} ColletOptions;

/* NULL: `status` is the exit status, and why has been printed. */
ColletOptions *collet_options_parse (int argc, char **argv, int *status);
/* Once more, for a change while the daemon runs. */
ColletConfig *
collet_options_read_config (const ColletOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void collet_options_free (ColletOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletOptions, collet_options_free)

G_END_DECLS
