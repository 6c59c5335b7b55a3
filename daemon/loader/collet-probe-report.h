/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-probe-report.h: one report of the probe child (runtime/collet-probe.h),
 * parsed. The child has run foreign code, so its words are foreign as well:
 * whatever does not fit the form is refused, and text is made harmless.
 */
#pragma once

#include "collet-loader.h"

G_BEGIN_DECLS

typedef struct
{
  GPtrArray *checks;  /* ColletCheck */
  char *manifest;     /* text, or NULL */
  char *code_digest;  /* 64 digits, or NULL */
  char *build_id;     /* or NULL */
  gboolean has_state; /* the code can export and import it */
  GError *error;      /* of the first failed check, or NULL if none failed */
} ColletProbeReport;

/* InvalidModule: it is no report. */
ColletProbeReport *collet_probe_report_parse (GBytes *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void collet_probe_report_free (ColletProbeReport *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletProbeReport, collet_probe_report_free)

G_END_DECLS
