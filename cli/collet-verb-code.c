/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * swap, code: a module from bytes, and the bytes of a module.
 */
#include <errno.h>
#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <unistd.h>
#include <glib/gi18n.h>

#include "collet-change.h"
#include "collet-error.h"
#include "collet-human.h"
#include "collet-verb.h"

#define BLOCK_SIZE 65536

static char *output;

static GError *
new_system_error (const char *what, const char *name)
{
  int errsv = errno;
  g_autofree char *display = g_filename_display_name (name);

  return g_error_new (COLLET_ERROR, errsv == ENOSPC ? COLLET_ERROR_DISK_FULL : COLLET_ERROR_INVALID_ARGUMENT,
                      "%s could not be %s: %s. Nothing was changed.", display, what, g_strerror (errsv));
}

/* ---- swap ---- */

static ColletExit
run_swap (ColletCtl *ctl, char **arguments)
{
  gboolean is_stdin = g_str_equal (arguments[1], "-");
  g_autofree char *name = is_stdin ? g_strdup ("-") : g_filename_display_name (arguments[1]);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;
  int fd = is_stdin ? STDIN_FILENO : g_open (arguments[1], O_RDONLY | O_CLOEXEC, 0);

  if (fd < 0)
    {
      error = new_system_error ("opened", arguments[1]);
      return collet_ctl_fail (ctl, error);
    }
  int handle = g_unix_fd_list_append (fds, fd, &error);
  if (!is_stdin)
    g_close (fd, NULL);
  if (handle < 0)
    return collet_ctl_fail (ctl, error);

  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  if (!collet_change_add_options (ctl, &options, &error))
    {
      g_variant_builder_clear (&options);
      error = collet_error_convert (error);
      return collet_ctl_fail (ctl, error);
    }
  g_autoptr (GVariant) reply =
      collet_ctl_call_with_fds (ctl, "AtomicSwap",
                                g_variant_new ("(ssh@a{sv})", arguments[0], name, handle,
                                               g_variant_builder_end (&options)),
                                "(o)", fds, NULL, &error);
  return collet_change_take (ctl, reply, error);
}

static const GOptionEntry swap_options[] = {
  COLLET_CHANGE_REASON,  COLLET_CHANGE_HOST,
  COLLET_CHANGE_EXPECT,  COLLET_CHANGE_BREAKING,
  COLLET_CHANGE_GRACE,   COLLET_CHANGE_SMOKE,
  COLLET_CHANGE_DISCARD, COLLET_CHANGE_DRAIN,
  COLLET_CHANGE_NO_WAIT, { NULL },
};

const ColletVerb collet_verb_swap = {
  .name = "swap",
  .arguments = "MODULE FILE | MODULE -",
  .summary = N_ ("Load a module from bytes that this side reads"),
  .help = N_ ("The file is opened here, or it is standard input, and handed to the daemon, which need not be "
              "able to\n"
              "see it. Else as \"load\". If anything fails the old version goes on serving."),
  .options = swap_options,
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run_swap,
};

/* ---- code ---- */

static gboolean
write_all (int fd, const char *bytes, gssize size)
{
  while (size > 0)
    {
      gssize n = write (fd, bytes, (gsize)size);

      if (n < 0 && errno != EINTR)
        return FALSE;
      bytes += MAX (n, 0);
      size -= MAX (n, 0);
    }
  return TRUE;
}

/* The number of bytes, or -1. */
static gint64
copy (int from, int to, const char *name, GError **error)
{
  g_autofree char *block = g_malloc (BLOCK_SIZE);
  gint64 total = 0;

  while (TRUE)
    {
      gssize n = read (from, block, BLOCK_SIZE);

      if (n == 0)
        return total;
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 || !write_all (to, block, n))
        {
          g_propagate_error (error, new_system_error ("written", name));
          return -1;
        }
      total += n;
    }
}

static ColletExit
save (ColletCtl *ctl, int from, const char *filename)
{
  int to = output != NULL ? g_open (output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : STDOUT_FILENO;
  g_autoptr (GError) error = NULL;

  if (to < 0)
    {
      error = new_system_error ("opened", output);
      return collet_ctl_fail (ctl, error);
    }
  gint64 size = copy (from, to, output != NULL ? output : "Standard output", &error);
  if (output != NULL && close (to) != 0 && error == NULL)
    error = new_system_error ("written", output);
  if (error != NULL)
    return collet_ctl_fail (ctl, error);
  if (output == NULL)
    return COLLET_EXIT_OK;
  if (ctl->json)
    {
      g_autoptr (GVariant) code = g_variant_ref_sink (
          g_variant_new_parsed ("{'Filename': <%s>, 'Output': <%s>, 'Size': <%x>}", filename, output, size));
      collet_ctl_print_json ("code", code);
      return COLLET_EXIT_OK;
    }
  g_autofree char *human = collet_human_dup_size ((guint64)size);
  g_print ("%s: %s, %s\n", output, filename, human);
  return COLLET_EXIT_OK;
}

static ColletExit
run_code (ColletCtl *ctl, char **arguments)
{
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GError) error = NULL;
  GVariantBuilder options;
  const char *filename;
  gint32 handle;

  if (output == NULL && isatty (STDOUT_FILENO))
    return collet_ctl_fail_usage (ctl, "The bytes of a module do a terminal no good; give --output=FILE");
  if (output == NULL && ctl->json)
    return collet_ctl_fail_usage (ctl, "--json goes with --output=FILE only");
  g_variant_builder_init (&options, G_VARIANT_TYPE ("a{sv}"));
  if (arguments[1] != NULL)
    g_variant_builder_add (&options, "{sv}", "version", g_variant_new_string (arguments[1]));
  g_autoptr (GVariant) reply =
      collet_ctl_call_with_fds (ctl, "GetObjectCode", g_variant_new ("(sa{sv})", arguments[0], &options),
                                "(hs)", NULL, &fds, &error);
  if (reply == NULL)
    return collet_ctl_fail (ctl, error);

  g_variant_get (reply, "(h&s)", &handle, &filename);
  int fd =
      fds != NULL && handle < g_unix_fd_list_get_length (fds) ? g_unix_fd_list_get (fds, handle, &error) : -1;
  if (fd < 0)
    return collet_ctl_fail_usage (ctl, "The daemon gave no bytes");
  ColletExit status = save (ctl, fd, filename);
  g_close (fd, NULL);
  return status;
}

static const GOptionEntry code_options[] = {
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, N_ ("Write to this file, not to standard output"),
    "FILE" },
  { NULL },
};

const ColletVerb collet_verb_code = {
  .name = "code",
  .arguments = "MODULE [VERSION]",
  .summary = N_ ("Write out the bytes of a module"),
  .help = N_ ("Exactly those that run, or those of a retained version, checked against their hash."),
  .options = code_options,
  .min_arguments = 1,
  .max_arguments = 2,
  .run = run_code,
};
