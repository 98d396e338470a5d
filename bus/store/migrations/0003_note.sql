-- What a channel has to remember for a while: parts of a long message that are sent, tokens of links.
CREATE TABLE note (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX note_expires ON note (tenant, expires_at);
