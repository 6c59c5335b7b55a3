-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Version 8: versions leave by rule, unless somebody keeps them.

PRAGMA user_version = 8;

ALTER TABLE artifact ADD COLUMN pinned_at INTEGER; -- NULL: is not kept by hand
ALTER TABLE artifact ADD COLUMN pinned_by INTEGER; -- uid
ALTER TABLE artifact ADD COLUMN pin_reason TEXT;

-- A row with these removed versions, one with removed_reloads history.
ALTER TABLE retention ADD COLUMN removed_versions INTEGER;
ALTER TABLE retention ADD COLUMN removed_bytes INTEGER;

DROP VIEW version_status;
CREATE VIEW version_status AS
SELECT a.module,
       a.semantic_version AS version,
       CASE WHEN m.sha256 = a.sha256 THEN 'serves' WHEN m.previous_sha256 = a.sha256 THEN 'previous'
            ELSE 'retained' END AS state,
       a.trust,
       a.signer,
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

-- What left, and when; the newest first.
CREATE VIEW retention_history AS
SELECT number,
       strftime ('%Y-%m-%dT%H:%M:%fZ', at / 1e6, 'unixepoch') AS at,
       CASE WHEN removed_versions IS NULL THEN 'history' ELSE 'versions' END AS what,
       strftime ('%Y-%m-%dT%H:%M:%fZ', nullif (before_at, 0) / 1e6, 'unixepoch') AS older_than,
       removed_reloads,
       removed_updates,
       removed_versions,
       removed_bytes
  FROM retention
 ORDER BY number DESC;
