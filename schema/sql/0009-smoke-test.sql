-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Version 9: calls that every new version of a module must answer as given,
-- added by an administrator.

PRAGMA user_version = 9;

CREATE TABLE smoke_test (
  module TEXT NOT NULL PRIMARY KEY, -- loaded or not
  tests  TEXT NOT NULL CHECK (json_valid (tests)), -- [{"tool", "arguments", "result"}]
  uid    INTEGER NOT NULL,          -- who set them
  reason TEXT,
  set_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row a test.
CREATE VIEW smoke_tests AS
SELECT s.module,
       json_extract (t.value, '$.tool') AS tool,
       json_extract (t.value, '$.arguments') AS arguments,
       json_extract (t.value, '$.result') AS result,
       CASE s.uid WHEN -1 THEN 'daemon' ELSE 'uid:' || s.uid END AS set_by,
       strftime ('%Y-%m-%dT%H:%M:%fZ', s.set_at / 1e6, 'unixepoch') AS since,
       s.reason
  FROM smoke_test AS s, json_each (s.tests) AS t
 ORDER BY s.module, t.key;
