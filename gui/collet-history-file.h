/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-history-file.h: rows of the history as a file for other programs.
 */
#pragma once

#include "collet-item.h"

G_BEGIN_DECLS

/* A line for each reload and module, comma-separated (RFC 4180), with names. */
char *collet_history_file_dup_csv (GListModel *reloads);
/* An array of objects in the style of colletctl --json. */
char *collet_history_file_dup_json (GListModel *reloads);

G_END_DECLS
