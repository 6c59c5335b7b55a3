/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-config.h"

#include "collet-credential.h"
#include "collet-error.h"
#include "collet-log-level.h"
#include "collet-module.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (1024 * 1024)

typedef enum
{
  TEXT,
  PATH, /* absolute, or relative to the file */
  LIST,
  PATHS,
  NUMBER, /* guint, from min to max */
  YES_NO,
  LEVEL, /* int: enum collet_level, or COLLET_NO_LOG_LEVEL */
} Kind;

typedef struct
{
  const char *group, *key;
  Kind kind;
  gsize offset;
  gint64 min, max, value; /* of numbers: range and default */
  gboolean is_live;       /* SIGHUP is enough; else it counts at the next start */
} Key;

#define AT(field) G_STRUCT_OFFSET (ColletConfig, field)

static const Key keys[] = {
  { "node", "name", TEXT, AT (node_name) },
  { "node", "module-path", PATHS, AT (module_path) },
  { "node", "worker-memory-mib", NUMBER, AT (worker_memory_mib), 0, 1 << 20, -1 },
  { "node", "worker-user", TEXT, AT (worker_user) },
  { "node", "record-calls", YES_NO, AT (record_calls) },
  { "node", "grace-s", NUMBER, AT (grace_s), 0, 30 * 24 * 3600, 600 },
  { "node", "watch", PATHS, AT (watch) },
  { "node", "module-log-level", LEVEL, AT (module_log_level), 0, 0, COLLET_LEVEL_WARNING, .is_live = TRUE },
  { "shadow", "calls", NUMBER, AT (shadow_calls), 0, 100000, 0 },
  { "shadow", "redact", LIST, AT (shadow_redact) },
  { "retention", "versions", NUMBER, AT (keep_versions), 0, 100000, 10 },
  { "retention", "version-days", NUMBER, AT (keep_version_days), 0, 36500, 0 },
  { "retention", "history-days", NUMBER, AT (keep_history_days), 0, 36500, 365 },
  { "retention", "history-reloads", NUMBER, AT (keep_history_reloads), 0, G_MAXINT32, 0 },
  { "mcp", "listen", TEXT, AT (listen) },
  { "mcp", "socket", PATH, AT (socket) },
  { "mcp", "socket-users", LIST, AT (socket_users), .is_live = TRUE },
  { "mcp", "http-threads", NUMBER, AT (http_threads), 0, 64, 0 },
  { "mcp", "max-connections", NUMBER, AT (max_connections), 1, 1000000, 4096 },
  { "mcp", "max-connections-per-address", NUMBER, AT (max_connections_per_address), 0, 1000000, 0 },
  { "mcp", "max-streams", NUMBER, AT (max_streams), 1, 1000000, 16384 },
  { "mcp", "request-timeout-s", NUMBER, AT (request_timeout_s), 1, 3600, 60 },
  { "mcp", "allowed-hosts", LIST, AT (allowed_hosts), .is_live = TRUE },
  { "mcp", "allowed-origins", LIST, AT (allowed_origins), .is_live = TRUE },
  { "mcp", "token-file", PATH, AT (token_file), .is_live = TRUE },
  { "mcp", "instructions", TEXT, AT (instructions) },
  { "trust", "rule", TEXT, AT (trust_rule) },
  { "trust", "keys", PATH, AT (trust_keys) },
  { "trust", "network", LIST, AT (trust_network) },
  { "cluster", "listen", TEXT, AT (cluster_listen) },
  { "cluster", "url", TEXT, AT (cluster_url) },
  { "cluster", "etcd-ca", PATH, AT (etcd_ca) },
  { "cluster", "etcd-certificate", PATH, AT (etcd_certificate) },
  { "cluster", "etcd-key", PATH, AT (etcd_key) },
  { "limits", "max-body-kib", NUMBER, AT (max_body_kib), 1, 65536, 4096, .is_live = TRUE },
  { "limits", "max-depth", NUMBER, AT (max_depth), 8, 64, 64, .is_live = TRUE },
  { "limits", "max-calls", NUMBER, AT (max_calls), 1, 1000000, 4096, .is_live = TRUE },
  { "limits", "max-calls-per-session", NUMBER, AT (max_calls_per_session), 1, 1000000, 256, .is_live = TRUE },
  { "limits", "max-sessions", NUMBER, AT (max_sessions), 1, 1000000, 10000, .is_live = TRUE },
  { "limits", "session-idle-s", NUMBER, AT (session_idle_s), 10, 30 * 24 * 3600, 1800, .is_live = TRUE },
  { "limits", "client-requests-per-second", NUMBER, AT (client_requests_per_second), 0, 1000000, 0,
    .is_live = TRUE },
  { "limits", "session-requests-per-second", NUMBER, AT (session_requests_per_second), 0, 1000000, 0,
    .is_live = TRUE },
  { "limits", "call-timeout-s", NUMBER, AT (call_timeout_s), 1, 24 * 3600, 60, .is_live = TRUE },
  { "limits", "input-timeout-s", NUMBER, AT (input_timeout_s), 1, 24 * 3600, 900, .is_live = TRUE },
};

#define FIELD(config, key, type) (*(type *)(void *)((char *)(config) + (key)->offset))

void
collet_config_free (ColletConfig *config)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    switch (keys[i].kind)
      {
      case TEXT:
      case PATH:
        g_free (FIELD (config, &keys[i], char *));
        break;
      case LIST:
      case PATHS:
        g_strfreev (FIELD (config, &keys[i], GStrv));
        break;
      case NUMBER:
      case YES_NO:
      case LEVEL:
      default:
        break;
      }
  g_free (config);
}

static const Key *
find_key (const char *group, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (strcmp (keys[i].group, group) == 0 && strcmp (keys[i].key, name) == 0)
      return &keys[i];
  return NULL;
}

static gboolean
read_number (ColletConfig *config, const Key *key, const char *text, GError **error)
{
  gint64 number;

  if (!g_ascii_string_to_signed (text, 10, key->min, key->max, &number, NULL))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "\"%s\" is not a number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ".", text,
                   key->min, key->max);
      return FALSE;
    }
  FIELD (config, key, guint) = (guint)number;
  return TRUE;
}

static gboolean
read_level (ColletConfig *config, const Key *key, const char *text, GError **error)
{
  int level = collet_log_level_from_name (text);

  if (level < 0)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "\"%s\" is none of debug, info, notice, warning, error, critical, alert, emergency, none.",
                   text);
      return FALSE;
    }
  FIELD (config, key, int) = level;
  return TRUE;
}

static char *
absolute_path (const char *path, const char *folder)
{
  if (*path == '\0')
    return NULL;
  return strcmp (path, "none") == 0 ? g_strdup (path) : g_canonicalize_filename (path, folder);
}

/* Separated by ';' as in every key file, empty ones left out. */
static GStrv
split (const char *text, const char *folder, gboolean is_paths)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) parts = g_strsplit (text, ";", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_autofree char *path = NULL;

      if (*g_strstrip (parts[i]) == '\0')
        continue;
      path = is_paths ? absolute_path (parts[i], folder) : NULL;
      g_strv_builder_add (builder, path != NULL ? path : parts[i]);
    }
  return g_strv_builder_end (builder);
}

static void
set_text (ColletConfig *config, const Key *key, char *text)
{
  g_free (FIELD (config, key, char *));
  FIELD (config, key, char *) = text;
}

static void
set_list (ColletConfig *config, const Key *key, GStrv list)
{
  g_strfreev (FIELD (config, key, GStrv));
  FIELD (config, key, GStrv) = list;
}

static gboolean
set_value (ColletConfig *config, const Key *key, const char *text, const char *folder, GError **error)
{
  switch (key->kind)
    {
    case TEXT:
      set_text (config, key, *text != '\0' ? g_strdup (text) : NULL);
      return TRUE;
    case PATH:
      set_text (config, key, absolute_path (text, folder));
      return TRUE;
    case LIST:
    case PATHS:
      set_list (config, key, split (text, folder, key->kind == PATHS));
      return TRUE;
    case NUMBER:
      return read_number (config, key, text, error);
    case LEVEL:
      return read_level (config, key, text, error);
    case YES_NO:
    default:
      FIELD (config, key, gboolean) = strcmp (text, "true") == 0;
      if (strcmp (text, "true") == 0 || strcmp (text, "false") == 0)
        return TRUE;
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, "\"%s\" is neither true nor false.",
                   text);
      return FALSE;
    }
}

/* `where`: the file's path, or "--set". */
static gboolean
set_named (ColletConfig *config, const char *group, const char *name, const char *text, const char *folder,
           const char *where, GError **error)
{
  const Key *key = find_key (group, name);

  if (key == NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "%s: there is no key \"%s\" in a group [%s]. colletd.conf(5) lists those that there are.",
                   where, name, group);
      return FALSE;
    }
  if (set_value (config, key, text, folder, error))
    return TRUE;
  g_prefix_error (error, "%s: [%s] %s: ", where, group, name);
  return FALSE;
}

static gboolean
check_status (const char *path, const struct stat *status, gboolean is_secret, GError **error)
{
  const mode_t forbidden = is_secret ? 0027 : 0022;

  if (!S_ISREG (status->st_mode) || status->st_size > MAX_FILE)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "%s is no regular file of at most 1 MiB. Give the name of one.", path);
      return FALSE;
    }
  if ((status->st_uid == 0 || status->st_uid == geteuid ()) && (status->st_mode & forbidden) == 0)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
               "%s could have been %s by others (mode %04o, owner %u). Use chmod %s, and chown to root or to "
               "the daemon's user.",
               path, is_secret ? "read or written" : "written", (guint)status->st_mode & 07777,
               (guint)status->st_uid, is_secret ? "0640" : "0644");
  return FALSE;
}

static char *
read_all (int fd, gsize size, gsize *length)
{
  g_autofree char *text = g_malloc (size + 1);
  gsize have = 0;

  while (have < size)
    {
      gssize n = read (fd, text + have, size - have);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return NULL;
      if (n == 0)
        break;
      have += (gsize)n;
    }
  text[have] = '\0';
  if (length != NULL)
    *length = have;
  return g_steal_pointer (&text);
}

char *
collet_config_read_trusted (const char *path, gboolean is_secret, gsize *length, GError **error)
{
  struct stat status = { 0 };
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* it might be a pipe */
  char *text = NULL;
  int saved;

  if (fd >= 0 && fstat (fd, &status) == 0 && !check_status (path, &status, is_secret, error))
    {
      close (fd);
      return NULL;
    }
  if (fd >= 0)
    text = read_all (fd, (gsize)status.st_size, length);
  saved = errno;
  if (fd >= 0)
    close (fd);
  if (text == NULL)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                 "%s cannot be read (%s). Check its name and its owner.", path, g_strerror (saved));
  return text;
}

static gboolean
read_group (ColletConfig *config, GKeyFile *file, const char *group, const char *path, const char *folder,
            GError **error)
{
  g_auto (GStrv) names = g_key_file_get_keys (file, group, NULL, error);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *text = g_key_file_get_string (file, group, names[i], error);

      if (text == NULL || !set_named (config, group, names[i], g_strstrip (text), folder, path, error))
        return FALSE;
    }
  return names != NULL;
}

static gboolean
read_file (ColletConfig *config, const char *path, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *text = collet_config_read_trusted (path, FALSE, NULL, error);
  g_auto (GStrv) groups = NULL;

  if (text == NULL)
    return FALSE;
  if (!g_key_file_load_from_data (file, text, (gsize)-1, G_KEY_FILE_NONE, error))
    {
      g_prefix_error (error, "%s: ", path);
      return FALSE;
    }
  groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; groups[i] != NULL; i++)
    if (!read_group (config, file, groups[i], path, folder, error))
      return FALSE;
  return TRUE;
}

static gboolean
read_set (ColletConfig *config, const char *set, GError **error)
{
  const char *dot = strchr (set, '.');
  const char *equals = strchr (set, '=');

  if (dot == NULL || equals == NULL || dot > equals)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "--set %s: this is not GROUP.KEY=VALUE, such as limits.max-calls=100.", set);
      return FALSE;
    }
  g_autofree char *group = g_strndup (set, dot - set);
  g_autofree char *name = g_strndup (dot + 1, equals - dot - 1);

  return set_named (config, group, name, equals + 1, NULL, "--set", error);
}

/* Secrets that the service manager handed over, where no file is named. */
static void
fill_from_credentials (ColletConfig *config)
{
  const struct
  {
    char **path;
    const char *name;
  } secrets[] = { { &config->token_file, COLLET_CREDENTIAL_TOKENS },
                  { &config->etcd_ca, COLLET_CREDENTIAL_ETCD_CA },
                  { &config->etcd_certificate, COLLET_CREDENTIAL_ETCD_CERTIFICATE },
                  { &config->etcd_key, COLLET_CREDENTIAL_ETCD_KEY } };

  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++)
    if (*secrets[i].path == NULL)
      *secrets[i].path = collet_credential_dup_path (secrets[i].name);
}

ColletConfig *
collet_config_load (const char *path, const char *fallback, const char *const *sets, GError **error)
{
  g_autoptr (ColletConfig) config = g_new0 (ColletConfig, 1);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (keys[i].kind == NUMBER || keys[i].kind == LEVEL)
      FIELD (config, &keys[i], gint) = (gint)keys[i].value;
  if (path == NULL && g_file_test (fallback, G_FILE_TEST_EXISTS))
    path = fallback;
  if (path != NULL && !read_file (config, path, error))
    return NULL;
  for (; sets != NULL && *sets != NULL; sets++)
    if (!read_set (config, *sets, error))
      return NULL;
  fill_from_credentials (config);
  return g_steal_pointer (&config);
}

static gboolean
is_equal_list (const char *const *a, const char *const *b)
{
  const char *const none[] = { NULL };

  return g_strv_equal (a != NULL ? a : none, b != NULL ? b : none);
}

static gboolean
is_equal (const ColletConfig *a, const ColletConfig *b, const Key *key)
{
  switch (key->kind)
    {
    case TEXT:
    case PATH:
      return g_strcmp0 (FIELD (a, key, char *), FIELD (b, key, char *)) == 0;
    case LIST:
    case PATHS:
      return is_equal_list (FIELD (a, key, const char *const *), FIELD (b, key, const char *const *));
    case NUMBER:
    case YES_NO:
    case LEVEL:
    default:
      return FIELD (a, key, int) == FIELD (b, key, int);
    }
}

char *
collet_config_dup_waiting (const ColletConfig *started, const ColletConfig *now)
{
  g_autoptr (GString) waiting = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (!keys[i].is_live && !is_equal (started, now, &keys[i]))
      g_string_append_printf (waiting, "%s[%s] %s", waiting->len > 0 ? ", " : "", keys[i].group, keys[i].key);
  return waiting->len > 0 ? g_string_free (g_steal_pointer (&waiting), FALSE) : NULL;
}

gboolean
collet_config_resolve_users (const ColletConfig *config, GArray **uids, GError **error)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (gint64));
  const gint64 always[] = { 0, (gint64)geteuid () };

  *uids = NULL;
  g_array_append_vals (found, always, G_N_ELEMENTS (always));
  for (guint i = 0; config->socket_users != NULL && config->socket_users[i] != NULL; i++)
    {
      const char *name = config->socket_users[i];
      const struct passwd *entry;
      gint64 uid;

      if (strcmp (name, "*") == 0)
        return TRUE;
      if (!g_ascii_string_to_signed (name, 10, 0, G_MAXUINT32 - 1, &uid, NULL))
        {
          entry = getpwnam (name);
          if (entry == NULL)
            {
              g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                           "[mcp] socket-users: there is no user \"%s\". Give names of users, their numbers, "
                           "or *.",
                           name);
              return FALSE;
            }
          uid = entry->pw_uid;
        }
      g_array_append_val (found, uid);
    }
  *uids = g_steal_pointer (&found);
  return TRUE;
}
