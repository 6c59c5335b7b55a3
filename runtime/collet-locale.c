/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-locale.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void
make_locale (void)
{
  c_locale = newlocale (LC_ALL_MASK, "C", (locale_t)0);
  if (c_locale == (locale_t)0) /* no memory; the process's own is all there is */
    c_locale = duplocale (LC_GLOBAL_LOCALE);
}

double
collet_locale_parse_double (const char *text)
{
  pthread_once (&once, make_locale);
  return strtod_l (text, NULL, c_locale);
}

void
collet_locale_format_double (char *out, size_t size, double number)
{
  locale_t before;

  pthread_once (&once, make_locale);
  before = uselocale (c_locale);
  snprintf (out, size, "%.15g", number);
  if (strtod_l (out, NULL, c_locale) != number)
    snprintf (out, size, "%.17g", number);
  uselocale (before);
}
