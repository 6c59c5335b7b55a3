/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-subscription-options.h: what the verbs of subscribers share.
 */
#pragma once

#include <glib/gi18n.h>

#include <glib.h>

G_BEGIN_DECLS

/* The name that was given, or NULL: the daemon takes "uid:N". */
extern char *collet_subscriber;

#define COLLET_SUBSCRIBER_OPTION                                                                             \
  {                                                                                                          \
    "subscriber", 's', 0, G_OPTION_ARG_STRING, &collet_subscriber,                                           \
        N_ ("The name under which it is kept; \"uid:\" and your user id if not given"), "NAME"               \
  }

/* The methods' options, a{sv}; limit 0: none. Floating. */
GVariant *collet_subscriber_build_options (guint limit);

G_END_DECLS
