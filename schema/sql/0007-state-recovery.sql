-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- What crashes cost: each time that a module went on with a state that had been
-- saved before. The newest ten thousand.

PRAGMA user_version = 7;

CREATE TABLE state_recovery (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  module     TEXT NOT NULL,
  sha256     TEXT NOT NULL,
  generation INTEGER NOT NULL,
  cause      TEXT NOT NULL CHECK (cause IN ('worker', 'daemon', 'drain')), -- whose end it was
  saved_at   INTEGER,                -- of the state in use now; NULL: it had never been saved
  at         INTEGER NOT NULL        -- what was done in between may be lost
) STRICT;
CREATE INDEX state_recovery_by_module ON state_recovery (module, number);

CREATE TRIGGER state_recovery_keep BEFORE UPDATE ON state_recovery BEGIN
  SELECT RAISE (ABORT, 'history is append-only: state_recovery'); END;

-- Starts of the daemon. A state that was saved by the orderly end of the run before
-- is the last one; any other may be older than what was done.
CREATE TABLE daemon_run (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  started_at INTEGER NOT NULL
) STRICT;

-- The newest first.
CREATE VIEW state_history AS
SELECT r.module,
       a.semantic_version AS version,
       r.cause,
       strftime ('%Y-%m-%dT%H:%M:%fZ', r.at / 1e6, 'unixepoch') AS at,
       strftime ('%Y-%m-%dT%H:%M:%fZ', r.saved_at / 1e6, 'unixepoch') AS state_saved,
       round ((r.at - r.saved_at) / 1e6, 3) AS age_s,
       r.generation,
       r.sha256
  FROM state_recovery AS r
       LEFT JOIN artifact AS a ON a.sha256 = r.sha256
 ORDER BY r.number DESC;
