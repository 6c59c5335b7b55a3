/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-locale.h: numbers as JSON has them, whatever the locale of the process.
 */
#ifndef COLLET_LOCALE_H
#define COLLET_LOCALE_H

#include <stddef.h>

/* The shortest of 15 or 17 digits that reads back as the same number. */
void collet_locale_format_double (char *out, size_t size, double number);
double collet_locale_parse_double (const char *text);

#endif /* COLLET_LOCALE_H */
