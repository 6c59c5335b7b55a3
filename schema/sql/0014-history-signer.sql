-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Version 14: who signed what a reload brought stays known when the version is gone.

PRAGMA user_version = 14;

ALTER TABLE reload_item ADD COLUMN to_signer TEXT; -- as artifact.signer; NULL: no trusted key, or before this

DROP VIEW reload_history;
CREATE VIEW reload_history AS
SELECT r.id AS reload,
       strftime ('%Y-%m-%dT%H:%M:%fZ', r.started_at / 1e6, 'unixepoch') AS started,
       r.kind,
       i.module,
       i.from_version,
       i.to_version,
       coalesce (e.state, CASE WHEN c.reload IS NULL THEN 'running' ELSE 'committed' END) AS state,
       e.error,
       e.message,
       coalesce ((SELECT json_extract (d.value, '$.pause_us') FROM json_each (e.detail, '$.items') AS d
                   WHERE json_extract (d.value, '$.module') = i.module), e.pause_us) AS pause_us,
       round (e.duration_us / 1e3, 3) AS duration_ms,
       CASE r.uid WHEN -1 THEN 'daemon' ELSE 'uid:' || r.uid END AS initiator,
       r.reason,
       r.strategy,
       e.phase,
       r.reverts,
       strftime ('%Y-%m-%dT%H:%M:%fZ', c.at / 1e6, 'unixepoch') AS committed,
       strftime ('%Y-%m-%dT%H:%M:%fZ', e.at / 1e6, 'unixepoch') AS finished,
       i.from_sha256,
       i.to_sha256,
       i.to_signer
  FROM reload AS r
       LEFT JOIN reload_item AS i ON i.reload = r.number
       LEFT JOIN reload_commit AS c ON c.reload = r.number
       LEFT JOIN reload_end AS e ON e.reload = r.number
 ORDER BY r.number DESC, i.module;
