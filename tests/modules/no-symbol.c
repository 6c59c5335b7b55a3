/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

/* All is there but the symbol: it has another name. */
extern __attribute__ ((visibility ("default"))) const struct collet_module collet_modul;
const struct collet_module collet_modul = { .struct_size = sizeof (struct collet_module),
                                            .abi_major = COLLET_ABI_MAJOR,
                                            .abi_minor = COLLET_ABI_MINOR,
                                            .call = tiny_call };

TINY_MANIFEST ("", "");
