/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * token: a line for the daemon's file of tokens, colletd.conf(5). No daemon is
 * needed for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "collet-error.h"
#include "collet-verb.h"

#define TOKEN_BYTES 32
#define SERVICE_GROUP "collet"

static char *allow;
static char **tools;
static char *file;

static char *
dup_path (void)
{
  if (file != NULL)
    return g_strdup (file);
  return geteuid () == 0 ? g_strdup ("/etc/collet/tokens")
                         : g_build_filename (g_get_user_config_dir (), "collet", "tokens", NULL);
}

static gboolean
refuse (GError **error, const char *path, const char *what)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED, "%s %s: %s.", path, what, g_strerror (errno));
  return FALSE;
}

/* What is in it already has to be a file of tokens, without that name. Ends with a
 * line break, or the entry would be part of the last line. */
static gboolean
check_existing (const char *path, const char *name, gboolean *needs_break, GError **error)
{
  g_autoptr (GKeyFile) tokens = g_key_file_new ();
  g_autofree char *text = NULL;
  g_autoptr (GError) reason = NULL;
  gsize size;

  *needs_break = FALSE;
  if (!g_file_get_contents (path, &text, &size, &reason))
    {
      if (g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return TRUE;
      g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED, reason->message);
      return FALSE;
    }
  *needs_break = size > 0 && text[size - 1] != '\n';
  if (size > 0 && !g_key_file_load_from_data (tokens, text, size, G_KEY_FILE_NONE, &reason))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, _ ("%s is no file of tokens: %s."),
                   path, reason->message);
      return FALSE;
    }
  if (!g_key_file_has_group (tokens, name))
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_ALREADY_REGISTERED,
               _ ("%s has a token \"%s\" already. Choose another name, or take its group out first."), path,
               name);
  return FALSE;
}

/* A new one is for its owner alone; for the service's group as well if root makes
 * it, as the daemon is not root. */
static int
open_file (const char *path)
{
  int fd = open (path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  if (fd < 0 && errno == EEXIST)
    return open (path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);

  const struct group *group = fd >= 0 && geteuid () == 0 ? getgrnam (SERVICE_GROUP) : NULL;
  if (group != NULL && (fchown (fd, 0, group->gr_gid) < 0 || fchmod (fd, 0640) < 0))
    {
      close (fd);
      return -1;
    }
  return fd;
}

static gboolean
append (const char *path, const char *text, GError **error)
{
  const gssize size = (gssize)strlen (text);
  int fd = open_file (path);

  if (fd < 0)
    return refuse (error, path, "cannot be opened");
  const off_t before = lseek (fd, 0, SEEK_END);
  gboolean is_written = write (fd, text, (size_t)size) == size && fsync (fd) == 0;
  if (!is_written)
    {
      refuse (error, path, "could not be written");
      /* Half an entry would make the daemon refuse them all. */
      if (before >= 0 && ftruncate (fd, before) < 0)
        g_prefix_error (error, "Its last lines are damaged: ");
    }
  close (fd);
  return is_written;
}

static char *
make_token (GError **error)
{
  guchar bytes[TOKEN_BYTES];

  if (getrandom (bytes, sizeof bytes, 0) != sizeof bytes)
    {
      refuse (error, "The kernel", "gave no random numbers");
      return NULL;
    }
  /* As base64url has it: what stands in a header as it is. */
  char *text = g_base64_encode (bytes, sizeof bytes);
  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  g_strdelimit (text, "=", '\0');
  return text;
}

static char *
make_entry (const char *name, const char *digest, gboolean needs_break)
{
  GString *entry = g_string_new (needs_break ? "\n" : "");

  g_string_append_printf (entry, "[%s]\nsha256=%s\nallow=%s\n", name, digest,
                          allow != NULL ? allow : "list;call");
  if (tools != NULL)
    {
      g_autofree char *list = g_strjoinv (";", tools);
      g_string_append_printf (entry, "tools=%s\n", list);
    }
  g_string_append_c (entry, '\n');
  return g_string_free (entry, FALSE);
}

/* As the daemon will read it: a scope that it does not know makes it refuse the
 * whole file. */
static ColletExit
check_words (ColletCtl *ctl, const char *name)
{
  static const char *const known[] = { "list", "call", "metrics", NULL };
  g_auto (GStrv) words = g_strsplit (allow != NULL ? allow : "list;call", ";", -1);

  if (*name == '\0' || strpbrk (name, "[]\r\n") != NULL)
    return collet_ctl_fail_usage (ctl, "A token's name has no brackets and no line breaks");
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (!g_strv_contains (known, words[i]))
        return collet_ctl_fail_usage (ctl, "--allow takes some of list,call,metrics, not \"%s\"", words[i]);
    }
  for (guint i = 0; tools != NULL && tools[i] != NULL; i++)
    {
      if (strpbrk (tools[i], ";\r\n") != NULL)
        return collet_ctl_fail_usage (ctl, "--tool takes one name; give it again for another");
    }
  return COLLET_EXIT_OK;
}

static void
print (ColletCtl *ctl, const char *name, const char *token, const char *path)
{
  GVariantDict row;

  if (!ctl->json)
    {
      printf ("%s\n", token);
      g_printerr (
          _ ("This is the only time that it is shown; %s has its hash. A daemon that uses that file reads it "
             "again at SIGHUP (systemctl reload colletd).\n"),
          path);
      return;
    }
  g_variant_dict_init (&row, NULL);
  g_variant_dict_insert (&row, "name", "s", name);
  g_variant_dict_insert (&row, "token", "s", token);
  g_variant_dict_insert (&row, "file", "s", path);
  collet_ctl_print_json ("token", g_variant_dict_end (&row));
}

static ColletExit
run (ColletCtl *ctl, char **arguments)
{
  const char *name = arguments[0];

  if (allow != NULL)
    g_strdelimit (allow, ",", ';'); /* what a shell leaves alone, and what the file has */
  g_autofree char *path = dup_path ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;
  gboolean needs_break;
  ColletExit status = check_words (ctl, name);

  if (status != COLLET_EXIT_OK)
    return status;
  g_autofree char *token = make_token (&error);
  if (token == NULL || !check_existing (path, name, &needs_break, &error))
    return collet_ctl_fail (ctl, error);
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, token, -1);
  g_autofree char *entry = make_entry (name, digest, needs_break);
  g_mkdir_with_parents (folder, 0755);
  if (!append (path, entry, &error))
    return collet_ctl_fail (ctl, error);
  print (ctl, name, token, path);
  return COLLET_EXIT_OK;
}

static const GOptionEntry options[] = {
  { "allow", 'a', 0, G_OPTION_ARG_STRING, &allow, N_ ("Some of list,call,metrics (list,call)"), "LIST" },
  { "tool", 0, 0, G_OPTION_ARG_STRING_ARRAY, &tools,
    N_ ("Only this tool, or those whose name begins so, as memory_*; may be repeated"), "TOOL" },
  { "file", 'f', 0, G_OPTION_ARG_FILENAME, &file, N_ ("The file of tokens"), "FILE" },
  { NULL },
};

const ColletVerb collet_verb_token = {
  .name = "token",
  .arguments = "NAME",
  .summary = N_ ("Make a bearer token for an MCP client"),
  .help = N_ (
      "Prints a new token, once, and adds its hash under NAME to the file of tokens: /etc/collet/tokens for\n"
      "root, else tokens in collet's folder of the user's configuration. \"token-file\" in colletd.conf(5)\n"
      "has the daemon ask for tokens at all. To withdraw one, take its group out of the file."),
  .options = options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
