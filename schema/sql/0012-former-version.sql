-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Version 12: versions that a breaking change replaced, in whose form calls are
-- accepted for a time.

PRAGMA user_version = 12;

CREATE TABLE former_version (
  module   TEXT NOT NULL REFERENCES module (name) ON DELETE CASCADE,
  sha256   TEXT NOT NULL REFERENCES artifact (sha256) ON DELETE CASCADE,
  until_at INTEGER NOT NULL, -- microseconds since 1970
  PRIMARY KEY (module, sha256)
) STRICT, WITHOUT ROWID;

-- The newest first.
CREATE VIEW former_versions AS
SELECT f.module,
       a.semantic_version AS version,
       strftime ('%Y-%m-%dT%H:%M:%fZ', f.until_at / 1e6, 'unixepoch') AS accepted_until,
       f.until_at > (julianday ('now') - 2440587.5) * 86400e6 AS is_open,
       f.sha256
  FROM former_version AS f
       JOIN artifact AS a ON a.sha256 = f.sha256
 ORDER BY f.module, f.until_at DESC;
