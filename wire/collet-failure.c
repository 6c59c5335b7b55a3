/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "collet-utf8.h"

bool
collet_failure_set (struct collet_failure *failure, const char *name, const char *remedy, const char *format,
                    ...)
{
  char message[sizeof failure->message];
  va_list args;

  va_start (args, format);
  vsnprintf (message, sizeof message, format, args);
  va_end (args);

  collet_utf8_copy (failure->name, sizeof failure->name, name, strlen (name));
  collet_utf8_copy (failure->message, sizeof failure->message, message, strlen (message));
  collet_utf8_copy (failure->remedy, sizeof failure->remedy, remedy, strlen (remedy));
  return false;
}

size_t
collet_failure_encode (const struct collet_failure *failure, char *buffer)
{
  char *end = buffer;

  end = stpcpy (end, failure->name) + 1;
  end = stpcpy (end, failure->message) + 1;
  end = stpcpy (end, failure->remedy) + 1;
  return (size_t)(end - buffer);
}

/* Takes one NUL-terminated part off the payload. */
static bool
take_part (const char **payload, size_t *size, char *out, size_t out_size)
{
  const char *end = memchr (*payload, '\0', *size);
  size_t length;

  if (end == NULL)
    return false;
  length = (size_t)(end - *payload);
  collet_utf8_copy (out, out_size, *payload, length);
  *payload = end + 1;
  *size -= length + 1;
  return true;
}

bool
collet_failure_decode (struct collet_failure *failure, const char *payload, size_t size)
{
  if (size > 0 && take_part (&payload, &size, failure->name, sizeof failure->name) &&
      failure->name[0] != '\0' && take_part (&payload, &size, failure->message, sizeof failure->message) &&
      take_part (&payload, &size, failure->remedy, sizeof failure->remedy) && size == 0)
    return true;
  return collet_failure_set (failure, "Failed", "",
                             "A process of the daemon sent a failure that cannot be read.");
}
