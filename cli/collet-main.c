/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <math.h>
#include <string.h>

#include <glib/gi18n.h>

#include "collet-config.h"
#include "collet-language.h"
#include "collet-style.h"
#include "collet-verb.h"

/* Options that go before the verb as well as after it. */
static struct
{
  gboolean session, system, json, no_color, help, version;
  double timeout_s;
} given;

static const GOptionEntry global_options[] = {
  { "session", 0, 0, G_OPTION_ARG_NONE, &given.session, N_ ("Use the daemon on the session bus"), NULL },
  { "system", 0, 0, G_OPTION_ARG_NONE, &given.system, N_ ("Use the daemon on the system bus"), NULL },
  { "json", 'j', 0, G_OPTION_ARG_NONE, &given.json, N_ ("Print one JSON object, also for an error"), NULL },
  { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &given.timeout_s, N_ ("Give up after this time"), "SECONDS" },
  { "no-color", 0, 0, G_OPTION_ARG_NONE, &given.no_color,
    N_ ("No colour, as with NO_COLOR in the environment"), NULL },
  { "help", 'h', 0, G_OPTION_ARG_NONE, &given.help, N_ ("Print this"), NULL },
  { NULL },
};

static const GOptionEntry first_options[] = {
  { "version", 0, 0, G_OPTION_ARG_NONE, &given.version, N_ ("Print the version"), NULL },
  { NULL },
};

/* ---- help ---- */

static char *
dup_verb_list (void)
{
  GString *text = g_string_new (_ ("Verbs:\n"));

  for (guint i = 0; collet_verbs[i] != NULL; i++)
    g_string_append_printf (text, "  %-14s %s\n", collet_verbs[i]->name, _ (collet_verbs[i]->summary));
  g_string_append (text, _ ("\n\"colletctl help VERB\" says more of one.\n\n"
                            "Exit status: 0 done, 1 refused or failed (with a named error), 2 wrong usage,\n"
                            "3 no daemon was reached."));
  return g_string_free (text, FALSE);
}

/* What an option takes is called as in the usage, whatever a column of the same
 * name is called. */
static const char *
translate (const char *text, gpointer unused)
{
  return strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == strlen (text) ? text : _ (text);
}

static void
leave_placeholders (GOptionContext *context)
{
  g_option_group_set_translate_func (g_option_context_get_main_group (context), translate, NULL, NULL);
}

static GOptionContext *
new_main_context (void)
{
  GOptionContext *context = g_option_context_new ("VERB [ARGUMENT...]");
  g_autofree char *verbs = dup_verb_list ();

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, TRUE);
  g_option_context_set_summary (context,
                                _ ("Loads, reloads and calls MCP tools that run as native modules."));
  g_option_context_set_description (context, verbs);
  g_option_context_add_main_entries (context, global_options, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, first_options, GETTEXT_PACKAGE);
  leave_placeholders (context);
  return context;
}

static GOptionContext *
new_verb_context (const ColletVerb *verb)
{
  g_autofree char *usage = g_strdup_printf ("%s %s", verb->name, verb->arguments);
  GOptionContext *context = g_option_context_new (usage);

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_summary (context, _ (verb->summary));
  g_option_context_set_description (context, verb->help != NULL ? _ (verb->help) : NULL);
  if (verb->options != NULL)
    g_option_context_add_main_entries (context, verb->options, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, global_options, GETTEXT_PACKAGE);
  leave_placeholders (context);
  return context;
}

static void
print_help (GOptionContext *context)
{
  g_autofree char *text = g_option_context_get_help (context, TRUE, NULL);

  g_print ("%s", text);
}

static ColletExit
print_verb_help (const char *name)
{
  const ColletVerb *verb = collet_verb_find (name);

  if (verb == NULL)
    {
      g_printerr (_ ("colletctl: There is no verb \"%s\". \"colletctl --help\" lists them.\n"), name);
      return COLLET_EXIT_USAGE;
    }
  g_autoptr (GOptionContext) context = new_verb_context (verb);
  print_help (context);
  return COLLET_EXIT_OK;
}

/* ---- parsing ---- */

static ColletExit
take_globals (ColletCtl *ctl)
{
  ctl->json = given.json;
  if (given.json)
    setlocale (LC_MESSAGES, "C"); /* a program reads it; GLib's and the C library's words, too */
  ctl->timeout_s = given.timeout_s;
  ctl->bus = given.session  ? COLLET_CLIENT_BUS_SESSION
             : given.system ? COLLET_CLIENT_BUS_SYSTEM
                            : COLLET_CLIENT_BUS_ANY;
  collet_style_init (given.no_color);
  if (given.session && given.system)
    return collet_ctl_fail_usage (ctl, "--session and --system exclude each other");
  if (!isfinite (given.timeout_s) || given.timeout_s < 0)
    return collet_ctl_fail_usage (ctl, "--timeout must be a number of seconds, more than 0");
  return COLLET_EXIT_OK;
}

/* "--" only says where options end. */
static void
drop_separator (char **arguments)
{
  for (guint i = 0; arguments[i] != NULL; i++)
    {
      if (g_str_equal (arguments[i], "--"))
        {
          g_free (arguments[i]);
          memmove (&arguments[i], &arguments[i + 1],
                   (g_strv_length (&arguments[i + 1]) + 1) * sizeof *arguments);
          return;
        }
    }
}

static ColletExit
check_arguments (ColletCtl *ctl, const ColletVerb *verb, char **arguments)
{
  guint n = g_strv_length (arguments);

  if (n < verb->min_arguments || n > verb->max_arguments)
    return collet_ctl_fail_usage (ctl, "%s arguments for %s. Usage: colletctl %s %s",
                                  n < verb->min_arguments ? _ ("Too few") : _ ("Too many"), verb->name,
                                  verb->name, verb->arguments);
  for (guint i = 0; i < n; i++)
    {
      if (!g_utf8_validate (arguments[i], -1, NULL))
        return collet_ctl_fail_usage (ctl, "Argument %u is not UTF-8", i + 1);
    }
  return COLLET_EXIT_OK;
}

/* `words` begins with the verb. */
static ColletExit
run_verb (ColletCtl *ctl, char ***words)
{
  const ColletVerb *verb = collet_verb_find ((*words)[0]);
  g_autoptr (GError) error = NULL;

  if (verb == NULL)
    return collet_ctl_fail_usage (ctl, "There is no verb \"%s\". \"colletctl --help\" lists them",
                                  (*words)[0]);

  g_autoptr (GOptionContext) context = new_verb_context (verb);
  if (!g_option_context_parse_strv (context, words, &error))
    {
      take_globals (ctl);
      return collet_ctl_fail_usage (ctl, "%s. \"colletctl help %s\" lists the options", error->message,
                                    verb->name);
    }
  if (given.help)
    {
      print_help (context);
      return COLLET_EXIT_OK;
    }
  ColletExit status = take_globals (ctl);
  drop_separator (*words + 1);
  if (status == COLLET_EXIT_OK)
    status = check_arguments (ctl, verb, *words + 1);
  return status == COLLET_EXIT_OK ? verb->run (ctl, *words + 1) : status;
}

static ColletExit
run (ColletCtl *ctl, char ***words)
{
  g_autoptr (GOptionContext) context = new_main_context ();
  g_autoptr (GError) error = NULL;
  gboolean ok = g_option_context_parse_strv (context, words, &error);
  ColletExit status = take_globals (ctl);

  if (!ok)
    return collet_ctl_fail_usage (ctl, "%s. \"colletctl --help\" lists the options", error->message);
  if (status != COLLET_EXIT_OK)
    return status;
  drop_separator (*words + 1);
  char **rest = *words + 1;
  if (given.version)
    g_print ("colletctl %s\n", COLLET_VERSION);
  else if (rest[0] != NULL && g_str_equal (rest[0], "help") && rest[1] != NULL)
    return print_verb_help (rest[1]);
  else if (rest[0] != NULL && !g_str_equal (rest[0], "help"))
    {
      g_auto (GStrv) verb_words = g_strdupv (rest);
      return run_verb (ctl, &verb_words);
    }
  else if (given.help || rest[0] != NULL)
    print_help (context);
  else
    return collet_ctl_fail_usage (ctl, "A verb is missing. \"colletctl --help\" lists them");
  return COLLET_EXIT_OK;
}

int
main (int argc, char **argv)
{
  g_auto (GStrv) words = g_strdupv (argv);
  ColletCtl ctl = { 0 };

  collet_language_init ();
  g_set_prgname ("colletctl");
  collet_style_init (FALSE);
  ColletExit status = run (&ctl, &words);
  collet_ctl_clear (&ctl);
  return (int)status;
}
