-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Version 11: subscribers are told of an update without a temporary table each time.

PRAGMA user_version = 11;

-- The second adds nobody twice.
DROP TRIGGER tool_update_tell;
CREATE TRIGGER tool_update_tell AFTER INSERT ON tool_update BEGIN
  INSERT INTO subscriber_event (subscriber, sequence)
    SELECT subscriber, NEW.sequence FROM subscription WHERE tool = NEW.tool;
  INSERT OR IGNORE INTO subscriber_event (subscriber, sequence)
    SELECT subscriber, NEW.sequence FROM subscription WHERE tool = '*';
END;
