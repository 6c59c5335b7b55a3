-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Version 3: why a version was let in, and who signed it. What was there before
-- came from files that the daemon's user or root alone could write, or was let in
-- without a word; it may come back as before.

ALTER TABLE artifact ADD COLUMN trust TEXT NOT NULL DEFAULT 'owned'
  CHECK (trust IN ('signed', 'owned', 'unsigned'));
ALTER TABLE artifact ADD COLUMN signer TEXT;    -- name and id of the key
ALTER TABLE artifact ADD COLUMN signature TEXT; -- as minisign wrote it

-- The retained versions of each module, the newest first.
CREATE VIEW version_status AS
SELECT a.module,
       a.semantic_version AS version,
       CASE WHEN m.sha256 = a.sha256 THEN 'serves' WHEN m.previous_sha256 = a.sha256 THEN 'previous'
            ELSE 'retained' END AS state,
       a.trust,
       a.signer,
       a.is_pinned AS pinned,
       a.size,
       strftime ('%Y-%m-%dT%H:%M:%fZ', a.added_at / 1e6, 'unixepoch') AS added,
       a.sha256,
       a.md5
  FROM artifact AS a
       LEFT JOIN module AS m ON m.name = a.module
 ORDER BY a.module, a.added_at DESC;

PRAGMA user_version = 3;
