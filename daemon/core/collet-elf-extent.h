/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-elf-extent.h: how long an ELF file must be by what its header says, to
 * tell a finished build from one that is still written. Judges nothing else.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes of a file's begin that get needs: its header and program headers. */
#define COLLET_ELF_HEAD_SIZE 4096

/* FALSE: `head` does not begin a whole ELF header of 64 bits in this machine's byte
 * order. Tables behind `n` are not looked into. */
gboolean collet_elf_get_extent (const guint8 *head, gsize n, guint64 *extent);

G_END_DECLS
