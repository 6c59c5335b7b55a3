/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * key, sign, verify: no daemon is needed for them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <glib/gi18n.h>

#include "collet-error.h"
#include "collet-signing.h"
#include "collet-style.h"
#include "collet-verb.h"

static char *key_file;
static char *comment;

static char *
dup_secret_path (void)
{
  return key_file != NULL ? g_strdup (key_file)
                          : g_build_filename (g_get_user_config_dir (), "collet", "signing.key", NULL);
}

static gboolean
write_new (const char *path, const char *text, int mode, GError **error)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  gsize length = strlen (text);

  if (fd < 0)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, _ ("%s cannot be made: %s."), path,
                   errno == EEXIST ? _ ("there is one already, and it is not written over")
                                   : g_strerror (errno));
      return FALSE;
    }
  gboolean ok = write (fd, text, length) == (gssize)length && fsync (fd) == 0;
  ok = close (fd) == 0 && ok;
  if (!ok)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED, _ ("%s could not be written: %s."), path,
                 g_strerror (errno));
  return ok;
}

/* ---- key ---- */

static ColletExit
run_key (ColletCtl *ctl, char **arguments)
{
  g_autofree char *path = arguments[0] != NULL ? g_strdup (arguments[0]) : dup_secret_path ();
  g_autofree char *public_path = g_strconcat (path, ".pub", NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (ColletSecretKey) secret = collet_secret_key_generate ();
  g_autoptr (GError) error = NULL;
  ColletKey key;

  collet_secret_key_get_public (secret, &key);
  char *secret_text = collet_secret_key_to_text (secret);
  g_autofree char *public_text = collet_key_to_text (&key);
  g_autofree char *id = collet_key_id_to_string (key.id);
  g_mkdir_with_parents (folder, 0700);
  gboolean ok =
      write_new (path, secret_text, 0600, &error) && write_new (public_path, public_text, 0644, &error);
  collet_secret_key_free_text (secret_text);
  if (!ok)
    return collet_ctl_fail (ctl, error);

  if (ctl->json)
    {
      GVariantDict row;

      g_variant_dict_init (&row, NULL);
      g_variant_dict_insert (&row, "id", "s", id);
      g_variant_dict_insert (&row, "secret", "s", path);
      g_variant_dict_insert (&row, "public", "s", public_path);
      collet_ctl_print_json ("key", g_variant_dict_end (&row));
      return COLLET_EXIT_OK;
    }
  printf (_ ("Key %s\n"
             "  %s   signs; it has no password, so keep it to yourself\n"
             "  %s   verifies; copy it into the daemon's keys folder as NAME.pub\n"),
          id, path, public_path);
  return COLLET_EXIT_OK;
}

const ColletVerb collet_verb_key = {
  .name = "key",
  .arguments = "[FILE]",
  .summary = N_ ("Make a key to sign modules with"),
  .help =
      N_ ("Writes the secret key to FILE (signing.key in collet's folder of the user's configuration if not\n"
          "given) and the public one to FILE.pub, as minisign does. For a secret key with a password, make\n"
          "one with \"minisign -G\"; \"colletctl sign\" takes it."),
  .min_arguments = 0,
  .max_arguments = 1,
  .run = run_key,
};

/* ---- sign ---- */

static char *
ask_password (const char *path)
{
  struct termios before;
  g_autoptr (GString) password = g_string_new (NULL);
  int terminal = open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  char c;

  if (terminal < 0 || tcgetattr (terminal, &before) != 0)
    return NULL;
  struct termios silent = before;
  silent.c_lflag &= ~(tcflag_t)ECHO;
  tcsetattr (terminal, TCSAFLUSH, &silent);
  dprintf (terminal, _ ("Password of %s: "), path);
  while (read (terminal, &c, 1) == 1 && c != '\n' && password->len < 1024)
    g_string_append_c (password, c);
  dprintf (terminal, "\n");
  tcsetattr (terminal, TCSAFLUSH, &before);
  close (terminal);
  return g_string_free (g_steal_pointer (&password), FALSE);
}

static ColletSecretKey *
read_secret (GError **error)
{
  g_autofree char *path = dup_secret_path ();
  g_autoptr (GError) reason = NULL;
  char *text = NULL;
  gsize length;
  struct stat info;

  if (!g_file_get_contents (path, &text, &length, &reason))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND,
                   _ ("There is no secret key: %s. Make one with \"colletctl key\", or name one with --key."),
                   reason->message);
      return NULL;
    }
  if (stat (path, &info) == 0 && (info.st_mode & 077) != 0)
    g_printerr (_ ("colletctl: %s can be read by others (mode %04o); chmod 600 it.\n"), path,
                (guint)info.st_mode & 07777);
  char *password = collet_secret_key_is_encrypted (text) ? ask_password (path) : NULL;
  ColletSecretKey *secret = collet_secret_key_parse (text, password, error);
  collet_secret_key_free_text (password);
  collet_secret_key_free_text (text);
  if (secret == NULL)
    g_prefix_error (error, "%s: ", path);
  return secret;
}

static gboolean
sign_one (const ColletSecretKey *secret, const char *path, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  if (file == NULL)
    return FALSE;

  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *what = comment != NULL ? g_strdup (comment)
                                          : g_strdup_printf ("timestamp:%" G_GINT64_FORMAT "\tfile:%s",
                                                             g_get_real_time () / G_USEC_PER_SEC, name);
  g_autofree char *text = collet_secret_key_sign (secret, g_mapped_file_get_contents (file),
                                                  g_mapped_file_get_length (file), what);
  g_autofree char *target = g_strconcat (path, COLLET_SIGNATURE_SUFFIX, NULL);
  return g_file_set_contents_full (target, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, error);
}

static ColletExit
run_sign (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;

  if (comment != NULL && strpbrk (comment, "\r\n") != NULL)
    return collet_ctl_fail_usage (ctl, "--comment is one line");
  g_autoptr (ColletSecretKey) secret = read_secret (&error);
  if (secret == NULL)
    return collet_ctl_fail (ctl, error);
  for (guint i = 0; arguments[i] != NULL; i++)
    {
      if (!sign_one (secret, arguments[i], &error))
        {
          g_autoptr (GError) ours = collet_error_convert (g_steal_pointer (&error));
          return collet_ctl_fail (ctl, ours);
        }
      if (!ctl->json)
        printf ("%s" COLLET_SIGNATURE_SUFFIX "\n", arguments[i]);
    }
  if (ctl->json)
    collet_ctl_print_json ("signed", g_variant_new_strv ((const char *const *)arguments, -1));
  return COLLET_EXIT_OK;
}

static const GOptionEntry sign_options[] = {
  { "key", 'k', 0, G_OPTION_ARG_FILENAME, &key_file, N_ ("The secret key, of \"colletctl key\" or minisign"),
    "FILE" },
  { "comment", 0, 0, G_OPTION_ARG_STRING, &comment,
    N_ ("Signed along with the bytes, in place of time and name"), "TEXT" },
  { NULL },
};

const ColletVerb collet_verb_sign = {
  .name = "sign",
  .arguments = "FILE...",
  .summary = N_ ("Sign modules"),
  .help = N_ ("Writes FILE.minisig beside each FILE; a daemon that is told to trust the key lets them in.\n"
              "\"minisign -S\" does the same."),
  .options = sign_options,
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run_sign,
};

/* ---- verify ---- */

static gboolean
verify_one (const ColletKey *key, const char *path, char **said, GError **error)
{
  g_autofree char *text = collet_signature_read_beside (path, error);
  if (text == NULL)
    {
      if (error != NULL && *error == NULL)
        g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED,
                     "There is no %s" COLLET_SIGNATURE_SUFFIX ".", path);
      return FALSE;
    }
  g_autoptr (ColletSignature) signature = collet_signature_parse (text, error);
  g_autoptr (GMappedFile) file = signature != NULL ? g_mapped_file_new (path, FALSE, error) : NULL;
  if (file == NULL || !collet_signature_verify (signature, key, g_mapped_file_get_contents (file),
                                                g_mapped_file_get_length (file), error))
    return FALSE;
  *said = g_strdup (signature->comment);
  return TRUE;
}

static ColletExit
run_verify (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GError) error = NULL;
  ColletKey key;

  if (key_file == NULL)
    return collet_ctl_fail_usage (ctl, "--key FILE is missing: the public key that signed");
  if (!collet_key_read (key_file, &key, &error))
    return collet_ctl_fail (ctl, error);

  g_autofree char *id = collet_key_id_to_string (key.id);
  for (guint i = 0; arguments[i] != NULL; i++)
    {
      g_autofree char *said = NULL;

      if (!verify_one (&key, arguments[i], &said, &error))
        {
          g_autoptr (GError) ours = collet_error_convert (g_steal_pointer (&error));
          return collet_ctl_fail (ctl, ours);
        }
      g_autofree char *safe = collet_style_dup_safe (said);
      if (!ctl->json)
        printf (_ ("%s: signed by %s, who says: %s\n"), arguments[i], id, safe);
    }
  if (ctl->json)
    collet_ctl_print_json ("verified", g_variant_new_strv ((const char *const *)arguments, -1));
  return COLLET_EXIT_OK;
}

static const GOptionEntry verify_options[] = {
  { "key", 'k', 0, G_OPTION_ARG_FILENAME, &key_file, N_ ("The public key"), "FILE" },
  { NULL },
};

const ColletVerb collet_verb_verify = {
  .name = "verify",
  .arguments = "FILE... --key FILE.pub",
  .summary = N_ ("Verify signatures of modules"),
  .help = N_ ("Exit status 0 if each FILE is what the key's owner signed in FILE.minisig."),
  .options = verify_options,
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run_verify,
};
