-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Modules that are out of service by hand, through restarts as well.

PRAGMA user_version = 5;

-- Since when it takes no calls, until it is resumed or unloaded; NULL: it serves.
ALTER TABLE module ADD COLUMN drained_at INTEGER;

DROP VIEW module_status;
CREATE VIEW module_status AS
SELECT m.name AS module,
       CASE WHEN m.sha256 IS NULL THEN 'unloaded' WHEN m.drained_at IS NOT NULL THEN 'drained'
            ELSE 'loaded' END AS state,
       a.semantic_version AS version,
       m.generation,
       m.host,
       (SELECT count (*) FROM tool AS t WHERE t.module = m.name) AS tools,
       p.semantic_version AS previous_version,
       strftime ('%Y-%m-%dT%H:%M:%fZ', m.changed_at / 1e6, 'unixepoch') AS changed,
       (SELECT strftime ('%Y-%m-%dT%H:%M:%fZ', max (s.taken_at) / 1e6, 'unixepoch') FROM snapshot AS s
         WHERE s.module = m.name AND s.sha256 = m.sha256 AND s.number > m.snapshot_floor) AS state_saved,
       strftime ('%Y-%m-%dT%H:%M:%fZ', m.drained_at / 1e6, 'unixepoch') AS drained,
       m.sha256,
       a.md5,
       a.code_digest,
       a.build_id,
       a.size,
       m.previous_sha256
  FROM module AS m
       LEFT JOIN artifact AS a ON a.sha256 = m.sha256
       LEFT JOIN artifact AS p ON p.sha256 = m.previous_sha256
 ORDER BY m.name;
