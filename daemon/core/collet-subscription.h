/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-subscription.h: what is told of changes of tools, and to whom: plain
 * data that goes from the database to the bus. All strings owned. Freeing NULL
 * is allowed.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One numbered change of a tool's version. */
typedef struct
{
  guint64 sequence;
  char *tool;
  char *module;
  char *version;          /* sha256; NULL: the tool is gone */
  char *previous_version; /* NULL: the tool is new */
  char *reload;           /* id; NULL: changed by hand */
  gint64 at;              /* microseconds since 1970 */
} ColletUpdateRow;

ColletUpdateRow *collet_update_row_new (void);
void collet_update_row_free (ColletUpdateRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletUpdateRow, collet_update_row_free)

/* What a subscriber missed. */
typedef struct
{
  GPtrArray *updates; /* ColletUpdateRow, in order */
  guint64 next;       /* from where to go on */
} ColletUpdateList;

ColletUpdateList *collet_update_list_new (void);
void collet_update_list_free (ColletUpdateList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletUpdateList, collet_update_list_free)

/* Somebody wants to be told of one tool, or of all. */
typedef struct
{
  char *subscriber;
  char *tool; /* "*": every tool */
  gint64 uid;
  gint64 since_at;
  guint64 sequence; /* the newest update then; later ones are told */
  guint64 pending;  /* told and not looked at since */
} ColletSubscriptionRow;

ColletSubscriptionRow *collet_subscription_row_new (void);
void collet_subscription_row_free (ColletSubscriptionRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletSubscriptionRow, collet_subscription_row_free)

/* A look at a tool. */
typedef struct
{
  gboolean is_updated; /* since the last look, else the subscription, else the registration */
  char *version;       /* sha256 */
} ColletToolCheck;

void collet_tool_check_free (ColletToolCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletToolCheck, collet_tool_check_free)

/* How much one user may keep. */
#define COLLET_SUBSCRIBER_NAMES_OF_UID 256
#define COLLET_SUBSCRIBER_NAMES 4096
#define COLLET_SUBSCRIPTIONS_OF_NAME 4096
#define COLLET_SUBSCRIBER_NAME_SIZE 128 /* bytes */

/* The name under which the user is kept: `name`, or "uid:N" if it is NULL.
 * InvalidArgument (letters, digits and "._:@-", 1 to 128), NotAuthorized for the
 * "uid:M" of another user; user 0 may use any. */
char *collet_subscriber_dup_name (const char *name, gint64 uid, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
