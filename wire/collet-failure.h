/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-failure.h: why something did not work, where there is no GError: in
 * workers, in the runtime and between processes.
 */
#ifndef COLLET_FAILURE_H
#define COLLET_FAILURE_H

#include <stdbool.h>
#include <stddef.h>

/* All three are UTF-8 and NUL-terminated; longer text is cut at a character.
 * No need to clear it. */
struct collet_failure
{
  char name[48];      /* of the error, as in schema/collet-error.h, without prefix */
  char message[2048]; /* what was found, where */
  char remedy[512];   /* what to do; "" if there is nothing to say */
};

#define COLLET_FAILURE_MAX (sizeof (struct collet_failure))

/* Bytes that are not UTF-8 become U+FFFD. Always returns false, so that a
 * function can end with `return collet_failure_set (...)`. */
bool collet_failure_set (struct collet_failure *failure, const char *name, const char *remedy,
                         const char *format, ...) __attribute__ ((format (printf, 4, 5)));

/* The payload of a frame: the three, each with its NUL, one after the other.
 * `buffer` has COLLET_FAILURE_MAX bytes. Returns the size. */
size_t collet_failure_encode (const struct collet_failure *failure, char *buffer);
/* False if the payload is not of that form (the peer is not trusted); *failure is
 * then a Failed that says so. */
bool collet_failure_decode (struct collet_failure *failure, const char *payload, size_t size);

#endif /* COLLET_FAILURE_H */
