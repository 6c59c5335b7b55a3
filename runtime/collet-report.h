/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-report.h: writes a report of checks, in the form of collet-probe.h.
 */
#ifndef COLLET_REPORT_H
#define COLLET_REPORT_H

#include "collet-buffer.h"
#include "collet-failure.h"

struct collet_report
{
  struct collet_buffer *out;
  const char *check; /* name of the one that runs; static */
  bool is_brief;     /* checks that passed are left out */
  bool has_checks;
  bool has_failed;
  struct collet_failure failure; /* of the first failed check */
};

void collet_report_begin (struct collet_report *report, bool brief, struct collet_buffer *out);
/* Closes the list of checks; members may follow (collet_buffer_append_member). */
void collet_report_end_checks (struct collet_report *report);
/* error, message, remedy, and the end. */
void collet_report_end (struct collet_report *report);

/* The outcome of the check that runs. */
void collet_report_pass (struct collet_report *report, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
void collet_report_warn (struct collet_report *report, const char *remedy, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
void collet_report_fail (struct collet_report *report, const struct collet_failure *failure);
void collet_report_skip (struct collet_report *report);

#endif /* COLLET_REPORT_H */
