/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * borrower.c: has no descriptor; the library that it needs has one. */
extern const char collet_module[];
__attribute__ ((visibility ("default"))) extern const char *borrower;
const char *borrower = collet_module;
