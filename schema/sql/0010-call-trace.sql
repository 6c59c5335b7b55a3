-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Version 10: the correlation id of a recorded call, as the log has it too.

PRAGMA user_version = 10;

-- The trace-id of W3C Trace Context, 32 hexadecimal digits; NULL: an older row.
ALTER TABLE call_record ADD COLUMN trace TEXT;

DROP VIEW call_history;
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
       nullif (t.sha256, '') AS sha256,
       c.trace
  FROM call_record AS c
       JOIN call_target AS t ON t.number = c.target
       LEFT JOIN artifact AS a ON a.sha256 = t.sha256
 ORDER BY c.number DESC;
