-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Version 13: the versions that a revoked key signed are shown as such.

PRAGMA user_version = 13;

-- The folder of keys as the daemon saw it last; the folder is what counts.
CREATE TABLE revoked_key (
  id      TEXT PRIMARY KEY, -- as in artifact.signer, "NAME (ID)"
  seen_at INTEGER NOT NULL  -- microseconds since 1970
) STRICT, WITHOUT ROWID;

DROP VIEW version_status;
CREATE VIEW version_status AS
SELECT a.module,
       a.semantic_version AS version,
       CASE WHEN m.sha256 = a.sha256 THEN 'serves' WHEN m.previous_sha256 = a.sha256 THEN 'previous'
            ELSE 'retained' END AS state,
       a.trust,
       a.signer,
       EXISTS (SELECT 1 FROM revoked_key AS k WHERE a.signer LIKE '% (' || k.id || ')') AS is_revoked,
       a.is_pinned AS pinned,
       a.pin_reason,
       EXISTS (SELECT 1 FROM snapshot AS s WHERE s.module = a.module AND s.sha256 = a.sha256) AS has_state,
       a.size,
       strftime ('%Y-%m-%dT%H:%M:%fZ', a.added_at / 1e6, 'unixepoch') AS added,
       a.sha256,
       a.md5
  FROM artifact AS a
       LEFT JOIN module AS m ON m.name = a.module
 ORDER BY a.module, a.added_at DESC;
