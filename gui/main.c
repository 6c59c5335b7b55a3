/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-app.h"

#include "collet-language.h"

int
main (int argc, char **argv)
{
  collet_language_init ();

  g_autoptr (ColletApp) app = collet_app_new ();
  return g_application_run (G_APPLICATION (app), argc, argv);
}
