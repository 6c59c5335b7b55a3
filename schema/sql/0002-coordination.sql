-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- What a cluster of one node agrees with itself; a larger one keeps the same keys
-- in etcd. docs/cluster.md explains them.

-- One row a key. A revision is a change of any of them.
CREATE TABLE coordination (
  key        TEXT NOT NULL PRIMARY KEY,
  value      TEXT NOT NULL,
  create_rev INTEGER NOT NULL,       -- revision at which it came to be
  mod_rev    INTEGER NOT NULL,       -- revision of its last change
  session    TEXT                    -- that it ends with; NULL: it stays
) STRICT, WITHOUT ROWID;

CREATE TABLE coordination_state (
  number   INTEGER PRIMARY KEY CHECK (number = 1),
  revision INTEGER NOT NULL,         -- of the last change
  store_id TEXT NOT NULL             -- random: another one is another history
) STRICT;
INSERT INTO coordination_state VALUES (1, 1, lower (hex (randomblob (8))));

PRAGMA user_version = 2;
