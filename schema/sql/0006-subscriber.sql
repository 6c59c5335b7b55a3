-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- collet.db, version 6: whose a subscriber's name is, and a quick way from a tool
-- to its subscribers.

PRAGMA user_version = 6;

-- A name under which somebody subscribes or looks; it belongs to the user who
-- gave it first, and is forgotten with its last subscription. "uid:N" stays.
CREATE TABLE subscriber (
  name     TEXT NOT NULL PRIMARY KEY,
  uid      INTEGER NOT NULL,         -- who may use it
  since_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX subscriber_by_uid ON subscriber (uid);

INSERT INTO subscriber (name, uid, since_at)
  SELECT subscriber, min (uid), min (since_at) FROM subscription GROUP BY subscriber;

-- For tool_update_tell, which asks at each change of each tool.
CREATE INDEX subscription_by_tool ON subscription (tool, subscriber);
