-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- What an MCP client can be asked by a tool, as it said at the begin of its
-- session: 1 a form, 2 a web page, 4 its model, 8 the user's folders, added up.
-- An older session did not say: it is asked nothing.

ALTER TABLE session ADD COLUMN questions INTEGER NOT NULL DEFAULT 0;

PRAGMA user_version = 4;
