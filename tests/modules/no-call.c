/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

TINY_MANIFEST ("", "");

extern __attribute__ ((visibility ("default"))) const struct collet_module collet_module;
const struct collet_module collet_module = { .struct_size = sizeof (struct collet_module),
                                             .abi_major = COLLET_ABI_MAJOR,
                                             .abi_minor = COLLET_ABI_MINOR,
                                             .call = NULL };
