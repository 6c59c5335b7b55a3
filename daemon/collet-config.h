/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-config.h: the configuration file, colletd.conf(5), and where it meets
 * the command line: what is given there with --set GROUP.KEY=VALUE replaces the
 * file's. One table lists every key with its type, range and default; a key or
 * group that is not in it is an error.
 *
 * The file decides who may do what, so it must belong to root or to the daemon's
 * user, and nobody else may write to it. What is read is a new, immutable object;
 * keys that are not marked "live" count at the next start only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  /* [node] */
  char *node_name; /* or NULL */
  GStrv module_path;
  gint worker_memory_mib; /* -1: the default */
  char *worker_user;      /* or NULL: the default, if there is one */
  gboolean record_calls;
  int module_log_level; /* enum collet_level, or COLLET_NO_LOG_LEVEL */
  GStrv watch;          /* folders whose builds are loaded at once */
  /* [shadow] */
  guint shadow_calls;  /* of each module to record; 0: none */
  GStrv shadow_redact; /* names of members; NULL: the usual ones */
  /* [retention] */
  guint grace_s;           /* for which calls in the form of what a breaking change replaced are accepted */
  guint keep_versions;     /* of a module, the last used */
  guint keep_version_days; /* unused for longer they go; 0: never */
  guint keep_history_days; /* older history goes, but the newest 1000 reloads; 0: never */
  guint keep_history_reloads; /* the newest; older ones go, however young; 0: all */
  /* [mcp] */
  char *listen; /* HOST:PORT, "none", or NULL */
  char *socket;
  GStrv socket_users; /* live; names and numbers, or "*"; NULL: its owner and root */
  guint http_threads; /* 0: by processors */
  guint max_connections, max_connections_per_address, max_streams;
  guint request_timeout_s;
  GStrv allowed_hosts, allowed_origins; /* live */
  char *token_file;                     /* live; absolute, or NULL */
  char *instructions;                   /* or NULL */
  /* [trust] */
  char *trust_rule;    /* "signed", "owned", "any", or NULL */
  char *trust_keys;    /* folder, or NULL */
  GStrv trust_network; /* names of modules, "*": any; NULL: none */
  /* [cluster] */
  char *cluster_listen; /* HOST:PORT for peers, or NULL: this node stays alone */
  char *cluster_url;    /* how they reach it, or NULL */
  char *etcd_ca;        /* files, PEM; all three or none */
  char *etcd_certificate, *etcd_key;
  /* [limits], all of them live */
  guint max_body_kib, max_depth;
  guint max_calls, max_calls_per_session;
  guint max_sessions, session_idle_s;
  guint client_requests_per_second, session_requests_per_second; /* 0: no limit */
  guint call_timeout_s, input_timeout_s;
} ColletConfig;

/* `path`: NULL: `fallback`, which need not exist. `sets`: "group.key=value", or
 * NULL. Secrets that neither names are the service manager's credentials, if it
 * handed some over. NULL with InvalidArgument or NotAuthorized: the message names the file,
 * the key and what it accepts. */
ColletConfig *collet_config_load (const char *path, const char *fallback, const char *const *sets,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
void collet_config_free (ColletConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletConfig, collet_config_free)

/* What was changed since the daemon started and counts at its next start only:
 * "[group] key, [group] key"; NULL: nothing. */
char *collet_config_dup_waiting (const ColletConfig *started, const ColletConfig *now);

/* The uids of socket_users as gint64; NULL for "*". InvalidArgument for a user
 * that is not known. */
gboolean collet_config_resolve_users (const ColletConfig *config, GArray **uids, GError **error);

/* The text of a file that only root or this user can have written, and that, if
 * it is secret, others cannot read. *length may be NULL. NotAuthorized with how to
 * mend it. */
char *collet_config_read_trusted (const char *path, gboolean is_secret, gsize *length,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
