/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-options.h"

#include <string.h>
#include <unistd.h>

#include <glib/gi18n.h>

#define NONE "none"
#define DEFAULT_LISTEN "127.0.0.1:7311"
#define SYSTEM_DATA_FOLDER "/var/lib/collet"
#define SYSTEM_MODULE_PATH "/usr/lib/collet/modules"
#define SYSTEM_KEYS "/etc/collet/keys"
#define SYSTEM_CONFIG "/etc/collet/colletd.conf"
#define SYSTEM_SOCKET "/run/collet/mcp.sock"
#define EXIT_USAGE 2

/* A sanitized worker maps terabytes that it does not use. */
#ifdef __SANITIZE_ADDRESS__
#define DEFAULT_WORKER_MEMORY_MIB 0
#else
#define DEFAULT_WORKER_MEMORY_MIB 2048
#endif

void
collet_options_free (ColletOptions *options)
{
  g_clear_pointer (&options->config, collet_config_free);
  g_free (options->config_path);
  g_free (options->config_fallback);
  g_strfreev (options->sets);
  g_free (options->data_folder);
  g_free (options->listen);
  g_free (options->socket);
  g_free (options->keys);
  g_free (options->trust);
  g_strfreev (options->module_path);
  g_strfreev (options->watch);
  g_free (options->worker);
  g_free (options->node_name);
  g_free (options);
}

static char *
make_absolute (char *path)
{
  char *absolute = path != NULL ? g_canonicalize_filename (path, NULL) : NULL;

  g_free (path);
  return absolute;
}

static char *
find_beside (const char *folder, const char *relative)
{
  g_autofree char *path = g_build_filename (folder, relative, NULL);

  return g_file_test (path, G_FILE_TEST_IS_EXECUTABLE) ? g_canonicalize_filename (path, NULL) : NULL;
}

/* In the build folder, beside the prefix that this program was installed or moved
 * to, or where it was configured to be. */
static char *
find_worker (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = self != NULL ? g_path_get_dirname (self) : NULL;
  char *found = NULL;

  if (folder != NULL && g_str_has_suffix (folder, "/daemon"))
    found = find_beside (folder, "../worker/collet-worker");
  if (folder != NULL && found == NULL)
    found = find_beside (folder, "../libexec/collet/collet-worker");
  return found != NULL ? found : g_strdup (COLLET_LIBEXECDIR "/collet-worker");
}

/* What the command line left open. */
static void
fill_from_config (ColletOptions *options)
{
  const ColletConfig *config = options->config;

  if (options->listen == NULL)
    options->listen = g_strdup (config->listen);
  if (options->socket == NULL)
    options->socket = g_strdup (config->socket);
  if (options->module_path == NULL)
    options->module_path = g_strdupv (config->module_path);
  if (options->watch == NULL)
    options->watch = g_strdupv (config->watch);
  if (options->node_name == NULL)
    options->node_name = g_strdup (config->node_name);
  if (options->http_threads <= 0)
    options->http_threads = (int)config->http_threads;
  if (options->worker_memory_mib < 0)
    options->worker_memory_mib = config->worker_memory_mib;
  options->record_calls |= config->record_calls;
  if (options->keys == NULL)
    options->keys = g_strdup (config->trust_keys);
  if (options->trust == NULL)
    options->trust = g_strdup (config->trust_rule);
}

static gboolean
load_config (ColletOptions *options, GError **error)
{
  options->config_path = make_absolute (options->config_path);
  options->config_fallback =
      options->is_system ? g_strdup (SYSTEM_CONFIG)
                         : g_build_filename (g_get_user_config_dir (), "collet", "colletd.conf", NULL);
  options->config = collet_options_read_config (options, error);
  if (options->config == NULL)
    return FALSE;
  fill_from_config (options);
  return TRUE;
}

ColletConfig *
collet_options_read_config (const ColletOptions *options, GError **error)
{
  return collet_config_load (options->config_path, options->config_fallback,
                             (const char *const *)options->sets, error);
}

static void
set_default_socket (ColletOptions *options)
{
  options->is_default_socket = options->socket == NULL;
  if (options->socket == NULL)
    options->socket = options->is_system
                          ? g_strdup (SYSTEM_SOCKET)
                          : g_build_filename (g_get_user_runtime_dir (), "collet", "mcp.sock", NULL);
  else if (strcmp (options->socket, NONE) == 0)
    g_clear_pointer (&options->socket, g_free);
  options->socket = make_absolute (options->socket);
}

static void
set_defaults (ColletOptions *options, gboolean no_listen)
{
  if (options->data_folder == NULL)
    options->data_folder = options->is_system ? g_strdup (SYSTEM_DATA_FOLDER)
                                              : g_build_filename (g_get_user_data_dir (), "collet", NULL);
  options->data_folder = make_absolute (options->data_folder);
  set_default_socket (options);

  options->is_default_listen = options->listen == NULL;
  if (no_listen || g_strcmp0 (options->listen, NONE) == 0)
    g_clear_pointer (&options->listen, g_free);
  else if (options->listen == NULL)
    options->listen = g_strdup (DEFAULT_LISTEN);

  if (options->keys == NULL)
    options->keys = options->is_system ? g_strdup (SYSTEM_KEYS)
                                       : g_build_filename (g_get_user_config_dir (), "collet", "keys", NULL);
  options->keys = make_absolute (options->keys);

  if (options->module_path == NULL)
    {
      const char *system[] = { SYSTEM_MODULE_PATH, NULL };
      const char *none[] = { NULL };

      options->module_path = g_strdupv ((GStrv)(options->is_system ? system : none));
    }
  for (guint i = 0; options->module_path[i] != NULL; i++)
    options->module_path[i] = make_absolute (options->module_path[i]);
  for (guint i = 0; options->watch != NULL && options->watch[i] != NULL; i++)
    options->watch[i] = make_absolute (options->watch[i]);

  if (options->worker == NULL)
    options->worker = find_worker ();
  if (options->node_name == NULL)
    options->node_name = g_strdup (g_get_host_name ());
  if (options->worker_memory_mib < 0)
    options->worker_memory_mib = DEFAULT_WORKER_MEMORY_MIB;
  if (options->http_threads <= 0)
    options->http_threads = MAX (1, (int)g_get_num_processors () / 2);
}

static int
fail (const char *message)
{
  g_printerr (_ ("%s: %s\nTry \"%s --help\".\n"), "colletd", message, "colletd");
  return EXIT_USAGE;
}

ColletOptions *
collet_options_parse (int argc, char **argv, int *status)
{
  g_autoptr (ColletOptions) self = g_new0 (ColletOptions, 1);
  gboolean session = FALSE;
  gboolean no_listen = FALSE;
  gboolean version = FALSE;

  self->worker_memory_mib = -1;
  const GOptionEntry entries[] = {
    { "session", 0, 0, G_OPTION_ARG_NONE, &session, N_ ("Serve the session bus (the default)"), NULL },
    { "system", 0, 0, G_OPTION_ARG_NONE, &self->is_system, N_ ("Serve the system bus"), NULL },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &self->config_path, N_ ("Configuration file, colletd.conf(5)"),
      "FILE" },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->sets,
      N_ ("In place of the file's value; may be repeated"), "GROUP.KEY=VALUE" },
    { "data-dir", 0, 0, G_OPTION_ARG_FILENAME, &self->data_folder,
      N_ ("Where the database and the artifacts are kept"), "DIR" },
    { "listen", 0, 0, G_OPTION_ARG_STRING, &self->listen, N_ ("Address of MCP over HTTP (127.0.0.1:7311)"),
      "HOST:PORT" },
    { "no-listen", 0, 0, G_OPTION_ARG_NONE, &no_listen, N_ ("No MCP over TCP"), NULL },
    { "socket", 0, 0, G_OPTION_ARG_FILENAME, &self->socket,
      N_ ("Serve MCP on this unix socket (collet/mcp.sock among the runtime files; none: nowhere)"), "PATH" },
    { "module-path", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->module_path,
      N_ ("Folder in which modules are found by name; may be repeated"), "DIR" },
    { "watch", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->watch,
      N_ ("Folder whose finished builds are loaded at once, for tool authors; may be repeated"), "DIR" },
    { "trust", 0, 0, G_OPTION_ARG_STRING, &self->trust,
      N_ ("What may be loaded: what is signed; what is, or only root or this user can write (owned); any"),
      "RULE" },
    { "keys", 0, 0, G_OPTION_ARG_FILENAME, &self->keys,
      N_ ("Folder of trusted keys, NAME.pub, and of revoked ones, NAME.revoked"), "DIR" },
    { "http-threads", 0, 0, G_OPTION_ARG_INT, &self->http_threads, N_ ("Threads that serve HTTP"), "N" },
    { "worker-memory", 0, 0, G_OPTION_ARG_INT, &self->worker_memory_mib,
      N_ ("Address space that a worker may use (2048; 0: no limit)"), "MIB" },
    { "node-name", 0, 0, G_OPTION_ARG_STRING, &self->node_name, N_ ("Name of this node (the host's)"),
      "NAME" },
    { "record-calls", 0, 0, G_OPTION_ARG_NONE, &self->record_calls,
      N_ ("Write a row into the database for every call"), NULL },
    { "worker", 0, 0, G_OPTION_ARG_FILENAME, &self->worker, N_ ("Path of collet-worker"), "PATH" },
    { "allow-unconfined", 0, 0, G_OPTION_ARG_NONE, &self->allow_unconfined,
      N_ ("Run modules also where the kernel cannot confine them"), NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, N_ ("Show the version"), NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_set_summary (context,
                                _ ("Keeps native MCP tools, serves them, and replaces them while they "
                                   "are being called."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  *status = 0;
  if (!g_option_context_parse (context, &argc, &argv, &error))
    *status = fail (error->message);
  else if (argc > 1)
    *status = fail (_ ("it takes options only"));
  else if (session && self->is_system)
    *status = fail (_ ("--session and --system contradict each other"));
  else if (version)
    g_print ("colletd %s\n", COLLET_VERSION);
  else if (!load_config (self, &error))
    *status = fail (error->message);
  else
    {
      set_defaults (self, no_listen);
      return g_steal_pointer (&self);
    }
  return NULL;
}
