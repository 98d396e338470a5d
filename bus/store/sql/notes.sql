-- name: note_put
INSERT INTO note (tenant, name, value, expires_at) VALUES (:tenant, :name, :value, :expires_at)
ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at

-- name: note_get
SELECT value FROM note WHERE tenant = :tenant AND name = :name AND expires_at > :now

-- name: note_between
SELECT name, value FROM note WHERE tenant = :tenant AND name >= :first AND name < :last ORDER BY name

-- name: note_drop
DELETE FROM note WHERE tenant = :tenant AND name = :name

-- name: note_sweep
DELETE FROM note WHERE tenant = :tenant AND expires_at <= :now
