/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-app.h"

#include <glib/gi18n.h>
#include <locale.h>

#include "collet-gui-config.h"

int
main (int argc, char **argv)
{
  const char *locale_dir = g_getenv ("COLLET_LOCALE_DIR");

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, locale_dir != NULL ? locale_dir : COLLET_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  g_autoptr (ColletApp) app = collet_app_new ();
  return g_application_run (G_APPLICATION (app), argc, argv);
}
