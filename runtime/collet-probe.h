/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-probe.h: examines one candidate, in two steps, in a confined process.
 *
 * Each step makes one JSON object:
 *
 *   {"checks":[{"name":"machine","outcome":"passed","evidence":"x86-64, 64 bit"},
 *              {"name":"unload","outcome":"warning","evidence":"...","remedy":"..."}],
 *    "manifest":"{...}", "code_digest":"<64 hex>", "build_id":"<hex>",
 *    "error":"InvalidModule", "message":"...", "remedy":"..."}
 *
 * outcome: passed, warning, failed or skipped (after an earlier failure it makes
 * no sense); evidence: what was found; remedy: what to do, absent if there is
 * nothing to do. error, message and remedy are those of the first failed check,
 * absent if none failed.
 *
 * The first step (COLLET_FRAME_PROBE_READ) reads the file and runs nothing of
 * it. Its checks, in this order: elf-format, machine, type, symbol,
 * manifest-note, needed, text-relocations, static-tls, nodelete, unique-symbols,
 * exec-stack. manifest is the note's text (UTF-8, not yet parsed), absent if it
 * could not be read; code_digest and build_id are absent if there are none.
 *
 * The second step (COLLET_FRAME_PROBED) runs it: dlopen (constructors too), abi,
 * init, self-test, export-state, unload. "stateful" says whether the code has
 * export_state and import_state. It never repeats manifest or digest, as by then
 * the candidate's own code might say anything.
 */
#ifndef COLLET_PROBE_H
#define COLLET_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#define COLLET_PROBE_MANIFEST_MAX (256u * 1024u) /* bytes of the note */
#define COLLET_PROBE_FILE_MAX (512u * 1024u * 1024u)

struct collet_buffer;

/* Appends the report on the file to `report`; false if a check failed, so that
 * it must not be run. A brief report leaves out the checks that passed. */
bool collet_probe_read (const char *path, bool brief, struct collet_buffer *report);

/* The same for bytes in memory. */
bool collet_probe_read_bytes (const char *bytes, size_t size, struct collet_buffer *report);

/* Runs it, or, if `readable` is false, says that every check was skipped. */
bool collet_probe_run (const char *path, bool readable, bool brief, struct collet_buffer *report);

#endif /* COLLET_PROBE_H */
