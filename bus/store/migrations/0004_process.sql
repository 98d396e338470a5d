-- Which processes share this store, and whose call each post in the air is, so that what a dead one held is free at once.
CREATE TABLE process (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
);
ALTER TABLE outbox ADD COLUMN lease_owner TEXT NOT NULL DEFAULT '';
