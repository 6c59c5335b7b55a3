/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-migrations.h: brings a database to the newest schema. Private to store/.
 *
 * A migration is an SQL file without transaction statements that sets its own
 * number as user_version; each is applied in one transaction, whole or not at
 * all.
 */
#pragma once

#include "collet-database.h"

G_BEGIN_DECLS

#define COLLET_APPLICATION_ID 0x436C7431 /* "Clt1" */

typedef struct
{
  int version; /* counts from 1, in order */
  char *name;  /* "0001-base.sql" */
  char *sql;
} ColletMigration;

void collet_migration_free (ColletMigration *migration);
/* ColletMigration, from the program itself. */
GPtrArray *collet_migrations_load (void);

/* Before anything is written. DatabaseNewer if the file is from a later version;
 * StoreFailed if it is some other application's. */
gboolean
collet_migrations_check (ColletDatabase *db, GPtrArray *migrations, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* StoreFailed if one fails; nothing of it is left then. */
gboolean
collet_migrations_apply (ColletDatabase *db, GPtrArray *migrations, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
