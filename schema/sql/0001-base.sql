-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- collet.db, version 1. Applied in one transaction; a released file is never
-- changed, a change is the next file. docs/database.md has example queries.
--
-- Units: *_at is microseconds since 1970-01-01 UTC, *_us microseconds, size
-- bytes. Versions (sha256, version) are 64 lowercase hexadecimal digits. Names
-- of the views' columns are for people: times there are ISO 8601 in UTC.

PRAGMA application_id = 1131181105; -- "Clt1"
PRAGMA user_version = 1;

-- ---------------------------------------------------------------- versions --

-- The bytes that the artifact store has, one row a version.
CREATE TABLE artifact (
  sha256           TEXT NOT NULL PRIMARY KEY
                   CHECK (length (sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
  module           TEXT NOT NULL,
  md5              TEXT NOT NULL CHECK (length (md5) = 32 AND md5 NOT GLOB '*[^0-9a-f]*'),
  code_digest      TEXT NOT NULL     -- of what is loaded at run time; '' if not known
                   CHECK (length (code_digest) IN (0, 64) AND code_digest NOT GLOB '*[^0-9a-f]*'),
  build_id         TEXT,             -- GNU build-id
  semantic_version TEXT,
  size             INTEGER NOT NULL,
  manifest         TEXT NOT NULL,    -- JSON, as the module carries it
  is_pinned        INTEGER NOT NULL DEFAULT 0 CHECK (is_pinned IN (0, 1)), -- kept by hand
  added_at         INTEGER NOT NULL
) STRICT;
CREATE INDEX artifact_by_module ON artifact (module);

-- What each module is now. A module that was unloaded keeps its row.
CREATE TABLE module (
  name            TEXT NOT NULL PRIMARY KEY,
  sha256          TEXT REFERENCES artifact (sha256), -- what serves; NULL: unloaded
  previous_sha256 TEXT REFERENCES artifact (sha256), -- to roll back to
  generation      INTEGER NOT NULL,  -- counts activations on this node, only grows
  host            TEXT NOT NULL,     -- worker | in-process
  snapshot_floor  INTEGER NOT NULL,  -- only snapshots with a higher number are of this activation
  changed_at      INTEGER NOT NULL
) STRICT;

-- A module's state, saved. The newest five of a module are kept, the newest of
-- each of its versions, and those of reloads that have not ended.
CREATE TABLE snapshot (
  number   INTEGER PRIMARY KEY AUTOINCREMENT,
  module   TEXT NOT NULL,
  sha256   TEXT NOT NULL REFERENCES artifact (sha256) ON DELETE CASCADE, -- whose format it is
  format   INTEGER NOT NULL,         -- version of the state's format
  cause    TEXT NOT NULL,            -- reload | shutdown | interval
  reload   TEXT,                     -- reload.id; it may have left the history
  taken_at INTEGER NOT NULL,
  size     INTEGER NOT NULL,
  state    BLOB NOT NULL             -- last, so that reading the rest is cheap
) STRICT;
CREATE INDEX snapshot_by_version ON snapshot (module, sha256, number);

-- ----------------------------------------------------------------- history --

-- A reload is written before anything happens, its commit with the change
-- itself, its end when it has ended. Rows are never changed; whole reloads leave
-- only through `retention`, see the triggers.
CREATE TABLE reload (
  number     INTEGER PRIMARY KEY AUTOINCREMENT, -- order of begin
  id         TEXT NOT NULL UNIQUE,   -- as on the bus and in the logs
  kind       TEXT NOT NULL,          -- load | hot-reload | swap | rollback | sync | unload | ...
  strategy   TEXT NOT NULL,          -- local | sync_all | quorum | rolling
  uid        INTEGER NOT NULL,       -- who asked; -1: the daemon itself
  reason     TEXT,                   -- as given
  reverts    TEXT,                   -- reload.id that it takes back
  options    TEXT NOT NULL CHECK (json_valid (options)),
  started_at INTEGER NOT NULL
) STRICT;

-- One row a module of the reload.
CREATE TABLE reload_item (
  reload       INTEGER NOT NULL REFERENCES reload (number) ON DELETE CASCADE,
  module       TEXT NOT NULL,
  from_sha256  TEXT,
  to_sha256    TEXT,                 -- NULL: unloaded, or not known when it was refused
  from_version TEXT,                 -- semantic version
  to_version   TEXT,
  PRIMARY KEY (reload, module)
) STRICT, WITHOUT ROWID;
CREATE INDEX reload_item_by_module ON reload_item (module, reload);

-- The commit point: the new versions stand from here on.
CREATE TABLE reload_commit (
  reload INTEGER NOT NULL PRIMARY KEY REFERENCES reload (number) ON DELETE CASCADE,
  at     INTEGER NOT NULL
) STRICT;

-- How it ended. A reload without this row is running.
CREATE TABLE reload_end (
  reload      INTEGER NOT NULL PRIMARY KEY REFERENCES reload (number) ON DELETE CASCADE,
  state       TEXT NOT NULL,         -- succeeded | failed | cancelled | interrupted
  phase       TEXT,                  -- reached
  error       TEXT,                  -- name, as on the bus
  message     TEXT,
  at          INTEGER NOT NULL,
  pause_us    INTEGER,               -- longest wait of calls; NULL: nothing was published
  duration_us INTEGER NOT NULL,
  detail      TEXT NOT NULL CHECK (json_valid (detail)) -- {"items": [{"module", "pause_us", ...}]}
) STRICT;

-- Who removed history, and how much. While a row is not finished, its
-- transaction may delete; nobody else ever may.
CREATE TABLE retention (
  number          INTEGER PRIMARY KEY AUTOINCREMENT,
  before_at       INTEGER NOT NULL,  -- what started later was kept
  at              INTEGER NOT NULL,
  finished_at     INTEGER,
  removed_reloads INTEGER,
  removed_updates INTEGER
) STRICT;

-- ------------------------------------------------------------------- tools --

-- What clients can call now.
CREATE TABLE tool (
  name          TEXT NOT NULL PRIMARY KEY,
  module        TEXT NOT NULL REFERENCES module (name),
  module_tool   TEXT NOT NULL,       -- the module's own name of it
  metadata      TEXT CHECK (metadata IS NULL OR json_valid (metadata)), -- given at registration
  version       TEXT,                -- sha256 recorded for it
  is_explicit   INTEGER NOT NULL CHECK (is_explicit IN (0, 1)), -- registered by hand
  registered_at INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  first_sequence INTEGER NOT NULL,   -- tool_update that registered it
  sequence      INTEGER NOT NULL     -- its newest tool_update
) STRICT;
CREATE INDEX tool_by_module ON tool (module);

-- Every change of a tool's version, numbered without gaps in order of commit.
CREATE TABLE tool_update (
  sequence         INTEGER PRIMARY KEY AUTOINCREMENT,
  tool             TEXT NOT NULL,
  module           TEXT NOT NULL,
  version          TEXT,             -- sha256; NULL: the tool is gone
  previous_version TEXT,             -- NULL: the tool was new
  reload           TEXT,             -- reload.id; NULL: changed by hand
  at               INTEGER NOT NULL
) STRICT;
CREATE INDEX tool_update_by_tool ON tool_update (tool, sequence);

-- Who wants to be told, by name; it outlives connections and restarts.
CREATE TABLE subscription (
  subscriber TEXT NOT NULL,          -- "uid:N" or a name that the caller gave
  tool       TEXT NOT NULL,          -- '*': every tool
  uid        INTEGER NOT NULL,       -- who made it
  sequence   INTEGER NOT NULL,       -- the newest update then; later ones are told
  since_at   INTEGER NOT NULL,
  PRIMARY KEY (subscriber, tool)
) STRICT, WITHOUT ROWID;

-- What each subscriber is told; written with the update, by the trigger below.
CREATE TABLE subscriber_event (
  subscriber TEXT NOT NULL,
  sequence   INTEGER NOT NULL REFERENCES tool_update (sequence) ON DELETE CASCADE,
  PRIMARY KEY (subscriber, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX subscriber_event_by_sequence ON subscriber_event (sequence);

-- A caller's last look at a tool.
CREATE TABLE tool_check (
  subscriber TEXT NOT NULL,
  tool       TEXT NOT NULL,
  version    TEXT,                   -- seen then
  sequence   INTEGER NOT NULL,       -- the newest update then
  at         INTEGER NOT NULL,
  PRIMARY KEY (subscriber, tool)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER tool_update_tell AFTER INSERT ON tool_update BEGIN
  INSERT INTO subscriber_event (subscriber, sequence)
    SELECT DISTINCT subscriber, NEW.sequence FROM subscription WHERE tool IN (NEW.tool, '*');
END;

-- ---------------------------------------------------------- sessions, calls --

-- MCP sessions, so that they outlive a restart. Written in batches, a moment later.
CREATE TABLE session (
  id        TEXT NOT NULL PRIMARY KEY, -- as the client sends it
  revision  TEXT NOT NULL,           -- of the protocol, as agreed
  client    TEXT NOT NULL,           -- name/version as it introduced itself; '': it did not
  log_level INTEGER NOT NULL CHECK (log_level BETWEEN 0 AND 255), -- 255: wants no log
  seen      INTEGER NOT NULL,        -- begin of the digest of the list of tools that it knows
  used_at   INTEGER NOT NULL         -- to some minutes
) STRICT, WITHOUT ROWID;

-- What was called, once for each tool, version and generation.
CREATE TABLE call_target (
  number     INTEGER PRIMARY KEY,
  tool       TEXT NOT NULL,
  sha256     TEXT NOT NULL,          -- '': nothing ran it
  generation INTEGER NOT NULL,
  UNIQUE (tool, sha256, generation)
) STRICT;

-- One row a call, in the order in which they ended; the newest two million.
-- Written in batches, a moment later.
CREATE TABLE call_record (
  number      INTEGER PRIMARY KEY,
  at          INTEGER NOT NULL,      -- when it began
  target      INTEGER NOT NULL REFERENCES call_target (number),
  request_id  TEXT,                  -- JSON-RPC id, as it was sent
  client      TEXT,                  -- session or name
  duration_us INTEGER NOT NULL,
  outcome     TEXT NOT NULL          -- ok | error (the tool's own) | name of an error
) STRICT;

-- ------------------------------------------------------------- append-only --

CREATE TRIGGER reload_keep BEFORE UPDATE ON reload BEGIN
  SELECT RAISE (ABORT, 'history is append-only: reload'); END;
CREATE TRIGGER reload_replace BEFORE INSERT ON reload
  WHEN EXISTS (SELECT 1 FROM reload WHERE id = NEW.id OR number = NEW.number) BEGIN
  SELECT RAISE (ABORT, 'history is append-only: there is such a reload'); END;
CREATE TRIGGER reload_remove BEFORE DELETE ON reload
  WHEN NOT EXISTS (SELECT 1 FROM retention WHERE finished_at IS NULL) BEGIN
  SELECT RAISE (ABORT, 'history is append-only: reload'); END;

CREATE TRIGGER reload_item_keep BEFORE UPDATE ON reload_item BEGIN
  SELECT RAISE (ABORT, 'history is append-only: reload_item'); END;
CREATE TRIGGER reload_item_replace BEFORE INSERT ON reload_item
  WHEN EXISTS (SELECT 1 FROM reload_item WHERE reload = NEW.reload AND module = NEW.module) BEGIN
  SELECT RAISE (ABORT, 'history is append-only: there is such a reload_item'); END;
CREATE TRIGGER reload_item_remove BEFORE DELETE ON reload_item
  WHEN NOT EXISTS (SELECT 1 FROM retention WHERE finished_at IS NULL) BEGIN
  SELECT RAISE (ABORT, 'history is append-only: reload_item'); END;

CREATE TRIGGER reload_commit_keep BEFORE UPDATE ON reload_commit BEGIN
  SELECT RAISE (ABORT, 'history is append-only: reload_commit'); END;
CREATE TRIGGER reload_commit_once BEFORE INSERT ON reload_commit
  WHEN EXISTS (SELECT 1 FROM reload_commit WHERE reload = NEW.reload)
    OR EXISTS (SELECT 1 FROM reload_end WHERE reload = NEW.reload) BEGIN
  SELECT RAISE (ABORT, 'this reload is committed or has ended already'); END;
CREATE TRIGGER reload_commit_remove BEFORE DELETE ON reload_commit
  WHEN NOT EXISTS (SELECT 1 FROM retention WHERE finished_at IS NULL) BEGIN
  SELECT RAISE (ABORT, 'history is append-only: reload_commit'); END;

CREATE TRIGGER reload_end_keep BEFORE UPDATE ON reload_end BEGIN
  SELECT RAISE (ABORT, 'history is append-only: reload_end'); END;
CREATE TRIGGER reload_end_once BEFORE INSERT ON reload_end
  WHEN EXISTS (SELECT 1 FROM reload_end WHERE reload = NEW.reload) BEGIN
  SELECT RAISE (ABORT, 'this reload has ended already'); END;
CREATE TRIGGER reload_end_remove BEFORE DELETE ON reload_end
  WHEN NOT EXISTS (SELECT 1 FROM retention WHERE finished_at IS NULL) BEGIN
  SELECT RAISE (ABORT, 'history is append-only: reload_end'); END;

CREATE TRIGGER tool_update_keep BEFORE UPDATE ON tool_update BEGIN
  SELECT RAISE (ABORT, 'history is append-only: tool_update'); END;
CREATE TRIGGER tool_update_replace BEFORE INSERT ON tool_update
  WHEN EXISTS (SELECT 1 FROM tool_update WHERE sequence = NEW.sequence) BEGIN
  SELECT RAISE (ABORT, 'history is append-only: there is such a tool_update'); END;
CREATE TRIGGER tool_update_remove BEFORE DELETE ON tool_update
  WHEN NOT EXISTS (SELECT 1 FROM retention WHERE finished_at IS NULL) BEGIN
  SELECT RAISE (ABORT, 'history is append-only: tool_update'); END;

CREATE TRIGGER retention_keep BEFORE UPDATE ON retention WHEN OLD.finished_at IS NOT NULL BEGIN
  SELECT RAISE (ABORT, 'history is append-only: retention'); END;
CREATE TRIGGER retention_replace BEFORE INSERT ON retention
  WHEN EXISTS (SELECT 1 FROM retention WHERE number = NEW.number) BEGIN
  SELECT RAISE (ABORT, 'history is append-only: there is such a retention'); END;
CREATE TRIGGER retention_remove BEFORE DELETE ON retention BEGIN
  SELECT RAISE (ABORT, 'history is append-only: retention'); END;

-- ------------------------------------------------------- views, for people --

-- One row a module of a reload, the newest first.
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
       i.to_sha256
  FROM reload AS r
       LEFT JOIN reload_item AS i ON i.reload = r.number
       LEFT JOIN reload_commit AS c ON c.reload = r.number
       LEFT JOIN reload_end AS e ON e.reload = r.number
 ORDER BY r.number DESC, i.module;

-- What serves each module.
CREATE VIEW module_status AS
SELECT m.name AS module,
       CASE WHEN m.sha256 IS NULL THEN 'unloaded' ELSE 'loaded' END AS state,
       a.semantic_version AS version,
       m.generation,
       m.host,
       (SELECT count (*) FROM tool AS t WHERE t.module = m.name) AS tools,
       p.semantic_version AS previous_version,
       strftime ('%Y-%m-%dT%H:%M:%fZ', m.changed_at / 1e6, 'unixepoch') AS changed,
       (SELECT strftime ('%Y-%m-%dT%H:%M:%fZ', max (s.taken_at) / 1e6, 'unixepoch') FROM snapshot AS s
         WHERE s.module = m.name AND s.sha256 = m.sha256 AND s.number > m.snapshot_floor) AS state_saved,
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

-- Which version each tool has, and since when.
CREATE VIEW tool_versions AS
SELECT t.name AS tool,
       t.module,
       a.semantic_version AS version,
       strftime ('%Y-%m-%dT%H:%M:%fZ', t.updated_at / 1e6, 'unixepoch') AS since,
       strftime ('%Y-%m-%dT%H:%M:%fZ', t.registered_at / 1e6, 'unixepoch') AS registered,
       CASE t.is_explicit WHEN 1 THEN 'by hand' ELSE 'manifest' END AS registered_by,
       t.sequence,
       (SELECT count (*) FROM tool_update AS u WHERE u.tool = t.name) AS updates,
       t.version AS sha256
  FROM tool AS t
       LEFT JOIN artifact AS a ON a.sha256 = t.version
 ORDER BY t.name;

-- Every change of a tool's version, the newest first.
CREATE VIEW update_history AS
SELECT u.sequence,
       strftime ('%Y-%m-%dT%H:%M:%fZ', u.at / 1e6, 'unixepoch') AS at,
       u.tool,
       u.module,
       CASE WHEN u.version IS NULL THEN 'removed' WHEN u.previous_version IS NULL THEN 'added'
            ELSE 'changed' END AS change,
       p.semantic_version AS from_version,
       a.semantic_version AS to_version,
       u.reload,
       u.previous_version AS from_sha256,
       u.version AS to_sha256
  FROM tool_update AS u
       LEFT JOIN artifact AS a ON a.sha256 = u.version
       LEFT JOIN artifact AS p ON p.sha256 = u.previous_version
 ORDER BY u.sequence DESC;

-- Who is told of what, and what waits for them since their last look.
CREATE VIEW subscription_status AS
SELECT s.subscriber,
       s.tool,
       CASE s.uid WHEN -1 THEN 'daemon' ELSE 'uid:' || s.uid END AS owner,
       strftime ('%Y-%m-%dT%H:%M:%fZ', s.since_at / 1e6, 'unixepoch') AS since,
       (SELECT count (*) FROM subscriber_event AS e JOIN tool_update AS u USING (sequence)
         WHERE e.subscriber = s.subscriber AND s.tool IN (u.tool, '*') AND e.sequence > s.sequence
           AND e.sequence > coalesce ((SELECT k.sequence FROM tool_check AS k
                                        WHERE k.subscriber = s.subscriber AND k.tool = u.tool), 0)) AS pending,
       (SELECT strftime ('%Y-%m-%dT%H:%M:%fZ', max (k.at) / 1e6, 'unixepoch') FROM tool_check AS k
         WHERE k.subscriber = s.subscriber AND s.tool IN (k.tool, '*')) AS last_check
  FROM subscription AS s
 ORDER BY s.subscriber, s.tool;

-- Single calls, the newest first.
CREATE VIEW call_history AS
SELECT c.number,
       strftime ('%Y-%m-%dT%H:%M:%fZ', c.at / 1e6, 'unixepoch') AS at,
       t.tool,
       a.semantic_version AS version,
       c.outcome,
       c.duration_us,
       c.client,
       c.request_id,
       t.generation,
       nullif (t.sha256, '') AS sha256
  FROM call_record AS c
       JOIN call_target AS t ON t.number = c.target
       LEFT JOIN artifact AS a ON a.sha256 = t.sha256
 ORDER BY c.number DESC;

-- Calls by tool and version.
CREATE VIEW call_summary AS
SELECT t.tool,
       a.semantic_version AS version,
       count (*) AS calls,
       count (*) FILTER (WHERE c.outcome = 'ok') AS ok,
       count (*) FILTER (WHERE c.outcome = 'error') AS tool_errors,
       count (*) FILTER (WHERE c.outcome NOT IN ('ok', 'error')) AS failed,
       round (avg (c.duration_us), 1) AS mean_us,
       max (c.duration_us) AS max_us,
       strftime ('%Y-%m-%dT%H:%M:%fZ', min (c.at) / 1e6, 'unixepoch') AS first,
       strftime ('%Y-%m-%dT%H:%M:%fZ', max (c.at) / 1e6, 'unixepoch') AS last,
       nullif (t.sha256, '') AS sha256
  FROM call_record AS c
       JOIN call_target AS t ON t.number = c.target
       LEFT JOIN artifact AS a ON a.sha256 = t.sha256
 GROUP BY t.tool, t.sha256
 ORDER BY t.tool, first;
