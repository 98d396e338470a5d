-- A session's scope outlives its token: the ids that a client makes are unique within it, across renewals.
ALTER TABLE session ADD COLUMN scope TEXT NOT NULL DEFAULT '';
CREATE INDEX session_conversation ON session (tenant, conversation);
