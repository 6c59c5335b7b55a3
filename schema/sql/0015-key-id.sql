-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Version 15: a version whose signature was by a key that nobody knew is shown as
-- revoked, too, when that key comes as a revoked one.

PRAGMA user_version = 15;

-- 16 digits: the key that the version's signature names, known when it was loaded or not.
ALTER TABLE artifact ADD COLUMN key_id TEXT;
UPDATE artifact SET key_id = substr (signer, -17, 16) WHERE signer LIKE '% (%)'; -- "NAME (ID)"

DROP VIEW version_status;
CREATE VIEW version_status AS
SELECT a.module,
       a.semantic_version AS version,
       CASE WHEN m.sha256 = a.sha256 THEN 'serves' WHEN m.previous_sha256 = a.sha256 THEN 'previous'
            ELSE 'retained' END AS state,
       a.trust,
       a.signer,
       EXISTS (SELECT 1 FROM revoked_key AS k WHERE k.id = a.key_id) AS is_revoked,
       a.is_pinned AS pinned,
       a.pin_reason,
       EXISTS (SELECT 1 FROM snapshot AS s WHERE s.module = a.module AND s.sha256 = a.sha256) AS has_state,
       a.size,
       strftime ('%Y-%m-%dT%H:%M:%fZ', a.added_at / 1e6, 'unixepoch') AS added,
       a.sha256,
       a.md5,
       a.key_id
  FROM artifact AS a
       LEFT JOIN module AS m ON m.name = a.module
 ORDER BY a.module, a.added_at DESC;
