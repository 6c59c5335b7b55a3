/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fuzz-elf.c: any bytes at all as a candidate. */
#include <stdint.h>
#include <stdlib.h>

#include "collet-buffer.h"
#include "collet-probe.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct collet_buffer report;

  collet_buffer_init (&report, 4u << 20);
  collet_probe_read_bytes ((const char *)data, size, &report);
  if (report.overflowed || report.size < 2 || report.bytes[report.size - 1] != '}')
    abort ();
  collet_buffer_clear (&report);
  return 0;
}
