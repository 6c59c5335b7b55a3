/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
collet_report_begin (struct collet_report *report, bool brief, struct collet_buffer *out)
{
  memset (report, 0, sizeof *report);
  report->out = out;
  report->is_brief = brief;
  collet_buffer_append_text (out, "{\"checks\":[");
}

static void
add (struct collet_report *report, const char *outcome, const char *evidence, const char *remedy)
{
  collet_buffer_append_text (report->out, report->has_checks ? ",{\"name\":\"" : "{\"name\":\"");
  collet_buffer_append_text (report->out, report->check);
  collet_buffer_append_text (report->out, "\"");
  collet_buffer_append_member (report->out, "outcome", outcome);
  collet_buffer_append_member (report->out, "evidence", evidence);
  if (remedy != NULL && remedy[0] != '\0')
    collet_buffer_append_member (report->out, "remedy", remedy);
  collet_buffer_append_text (report->out, "}");
  report->has_checks = true;
}

void
collet_report_pass (struct collet_report *report, const char *format, ...)
{
  char evidence[1024];
  va_list args;

  if (report->is_brief)
    return;
  va_start (args, format);
  vsnprintf (evidence, sizeof evidence, format, args);
  va_end (args);
  add (report, "passed", evidence, NULL);
}

void
collet_report_warn (struct collet_report *report, const char *remedy, const char *format, ...)
{
  char evidence[1024];
  va_list args;

  va_start (args, format);
  vsnprintf (evidence, sizeof evidence, format, args);
  va_end (args);
  add (report, "warning", evidence, remedy);
}

void
collet_report_fail (struct collet_report *report, const struct collet_failure *failure)
{
  add (report, "failed", failure->message, failure->remedy);
  if (!report->has_failed)
    report->failure = *failure;
  report->has_failed = true;
}

void
collet_report_skip (struct collet_report *report)
{
  add (report, "skipped", "An earlier check failed.", NULL);
}

void
collet_report_end_checks (struct collet_report *report)
{
  collet_buffer_append_text (report->out, "]");
}

void
collet_report_end (struct collet_report *report)
{
  if (report->has_failed)
    {
      collet_buffer_append_member (report->out, "error", report->failure.name);
      collet_buffer_append_member (report->out, "message", report->failure.message);
      if (report->failure.remedy[0] != '\0')
        collet_buffer_append_member (report->out, "remedy", report->failure.remedy);
    }
  collet_buffer_append_text (report->out, "}");
}
