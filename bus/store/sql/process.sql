-- name: process_add
INSERT INTO process (tenant, name) VALUES (:tenant, :process) ON CONFLICT (tenant, name) DO NOTHING

-- name: process_known
SELECT name FROM process WHERE tenant = :tenant AND name = :name

-- name: process_others
SELECT name FROM process WHERE tenant = :tenant AND name != :process

-- name: process_is_gone
-- PostgreSQL alone: whoever lives holds the lock of its own name for as long as it is connected.
SELECT pg_try_advisory_xact_lock(hashtextextended(name, 0)) AS gone FROM process WHERE tenant = :tenant AND name = :name

-- name: process_remove
DELETE FROM process WHERE tenant = :tenant AND name = :name
