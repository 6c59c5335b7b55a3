/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-check.h: one line of a ValidateModule report.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  COLLET_CHECK_PASSED,
  COLLET_CHECK_WARNING,
  COLLET_CHECK_FAILED,
  COLLET_CHECK_SKIPPED, /* an earlier one failed */
} ColletCheckOutcome;

typedef struct
{
  char *name; /* stable: "elf-type", "machine", "manifest", "abi", ... */
  ColletCheckOutcome outcome;
  char *evidence; /* what was found */
  char *remedy;   /* what to do, or NULL */
} ColletCheck;

ColletCheck *
collet_check_new (const char *name, ColletCheckOutcome outcome, const char *evidence, const char *remedy);
void collet_check_free (ColletCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletCheck, collet_check_free)

G_END_DECLS
