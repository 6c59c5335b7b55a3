/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-module-table.h"

gboolean
collet_module_table_add_artifact (ColletDatabase *db, const ColletArtifactRow *row, gint64 at, GError **error)
{
  const ColletVersion *version = row->version;
  ColletStatement *statement =
      collet_statement_begin (db,
                              "INSERT INTO artifact (sha256, module, md5, code_digest, build_id, "
                              "semantic_version, size, manifest, added_at, trust, signer, signature, key_id) "
                              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                              "ON CONFLICT (sha256) DO UPDATE SET trust = excluded.trust, "
                              "signer = excluded.signer, signature = excluded.signature, "
                              "key_id = excluded.key_id WHERE excluded.signature IS NOT NULL");

  collet_statement_add_text (statement, version->sha256);
  collet_statement_add_text (statement, row->module);
  collet_statement_add_text (statement, version->md5);
  collet_statement_add_text (statement, version->code_digest);
  collet_statement_add_text (statement, version->build_id);
  collet_statement_add_text (statement, version->semver);
  collet_statement_add_int (statement, (gint64)version->size);
  collet_statement_add_text (statement, row->manifest);
  collet_statement_add_int (statement, at);
  collet_statement_add_text (statement, collet_basis_to_string (version->basis));
  collet_statement_add_text (statement, version->signer);
  collet_statement_add_text (statement, version->signature);
  collet_statement_add_text (statement, version->key_id);
  if (!collet_statement_run (statement, error))
    return FALSE;
  if (version->signature != NULL || version->key_id == NULL)
    return TRUE;

  /* What is known of the bytes already goes before a signature that nobody could judge. */
  statement =
      collet_statement_begin (db, "UPDATE artifact SET key_id = ? WHERE sha256 = ? AND key_id IS NULL");
  collet_statement_add_text (statement, version->key_id);
  collet_statement_add_text (statement, version->sha256);
  return collet_statement_run (statement, error);
}

/* In place of those that were there. */
static gboolean
set_former (ColletDatabase *db, const ColletModuleRow *row, GError **error)
{
  ColletStatement *statement;

  if (!row->had_former && row->former->len == 0)
    return TRUE;
  statement = collet_statement_begin (db, "DELETE FROM former_version WHERE module = ?");
  collet_statement_add_text (statement, row->module);
  if (!collet_statement_run (statement, error))
    return FALSE;
  for (guint i = 0; i < row->former->len; i++)
    {
      const ColletFormerRow *former = row->former->pdata[i];

      statement = collet_statement_begin (
          db, "INSERT INTO former_version (module, sha256, until_at) SELECT ?1, sha256, ?3 FROM artifact "
              "WHERE sha256 = ?2");
      collet_statement_add_text (statement, row->module);
      collet_statement_add_text (statement, former->sha256);
      collet_statement_add_int (statement, former->until);
      if (!collet_statement_run (statement, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_former (ColletDatabase *db, ColletModuleRow *row, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement = collet_statement_begin (
      db, "SELECT sha256, until_at FROM former_version WHERE module = ? ORDER BY until_at DESC, sha256");

  collet_statement_add_text (statement, row->module);
  while (collet_statement_next (statement, &reason))
    {
      g_autofree char *sha256 = collet_statement_dup_text (statement, 0);

      g_ptr_array_add (row->former, collet_former_row_new (sha256, collet_statement_get_int (statement, 1)));
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

gboolean
collet_module_table_set (ColletDatabase *db, const ColletModuleRow *row, gboolean is_reload, gint64 at,
                         GError **error)
{
  ColletStatement *statement = collet_statement_begin (
      db,
      "INSERT INTO module (name, sha256, previous_sha256, generation, host, snapshot_floor, changed_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, coalesce ((SELECT seq FROM sqlite_sequence WHERE name = 'snapshot'), 0), "
      "?6) "
      "ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, "
      "previous_sha256 = excluded.previous_sha256, generation = excluded.generation, host = excluded.host, "
      "snapshot_floor = CASE WHEN ?7 THEN excluded.snapshot_floor ELSE snapshot_floor END, "
      "changed_at = excluded.changed_at, "
      "drained_at = CASE WHEN excluded.sha256 IS NULL THEN NULL ELSE drained_at END");

  collet_statement_add_text (statement, row->module);
  collet_statement_add_text (statement, row->sha256);
  collet_statement_add_text (statement, row->previous_sha256);
  collet_statement_add_int (statement, (gint64)row->generation);
  collet_statement_add_text (statement, row->host);
  collet_statement_add_int (statement, at);
  collet_statement_add_int (statement, is_reload);
  return collet_statement_run (statement, error) && set_former (db, row, error);
}

gboolean
collet_module_table_set_drained (ColletDatabase *db, const char *module, gint64 at, GError **error)
{
  ColletStatement *statement =
      collet_statement_begin (db, "UPDATE module SET drained_at = nullif (?2, 0) WHERE name = ?1");

  collet_statement_add_text (statement, module);
  collet_statement_add_int (statement, at);
  return collet_statement_run (statement, error);
}

gboolean
collet_module_table_read_artifacts (ColletDatabase *db, GPtrArray *rows, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement = collet_statement_begin (
      db, "SELECT sha256, module, md5, code_digest, build_id, semantic_version, size, "
          "manifest, trust, signer, signature, key_id FROM artifact ORDER BY added_at, sha256");

  while (collet_statement_next (statement, &reason))
    {
      ColletArtifactRow *row = collet_artifact_row_new ();
      g_autofree char *sha256 = collet_statement_dup_text (statement, 0);
      g_autofree char *md5 = collet_statement_dup_text (statement, 2);
      g_autofree char *code_digest = collet_statement_dup_text (statement, 3);
      g_autofree char *build_id = collet_statement_dup_text (statement, 4);
      g_autofree char *semver = collet_statement_dup_text (statement, 5);

      row->module = collet_statement_dup_text (statement, 1);
      row->version = collet_version_new (sha256, md5, code_digest, build_id, semver,
                                         (guint64)collet_statement_get_int (statement, 6));
      row->manifest = collet_statement_dup_text (statement, 7);
      g_autofree char *basis = collet_statement_dup_text (statement, 8);
      g_autofree char *signer = collet_statement_dup_text (statement, 9);
      g_autofree char *signature = collet_statement_dup_text (statement, 10);
      g_autofree char *key_id = collet_statement_dup_text (statement, 11);
      collet_version_set_trust (row->version, collet_basis_from_string (basis), signer, signature, key_id);
      g_ptr_array_add (rows, row);
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

gboolean
collet_module_table_read (ColletDatabase *db, GPtrArray *rows, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement = collet_statement_begin (
      db, "SELECT name, sha256, previous_sha256, generation, host, coalesce (drained_at, 0) FROM module "
          "ORDER BY name");

  while (collet_statement_next (statement, &reason))
    {
      ColletModuleRow *row = collet_module_row_new ();

      row->module = collet_statement_dup_text (statement, 0);
      row->sha256 = collet_statement_dup_text (statement, 1);
      row->previous_sha256 = collet_statement_dup_text (statement, 2);
      row->generation = (guint64)collet_statement_get_int (statement, 3);
      row->host = collet_statement_dup_text (statement, 4);
      row->drained_at = collet_statement_get_int (statement, 5);
      g_ptr_array_add (rows, row);
    }
  if (reason != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return FALSE;
    }
  for (guint i = 0; i < rows->len; i++)
    if (!read_former (db, rows->pdata[i], error))
      return FALSE;
  return TRUE;
}
