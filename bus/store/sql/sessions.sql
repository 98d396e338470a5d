-- name: session_insert
INSERT INTO session (tenant, digest, channel, address, conversation, subject, created_at, expires_at)
VALUES (:tenant, :digest, :channel, :address, :conversation, :subject, :now, :expires_at)

-- name: session_find
SELECT digest, channel, address, conversation, subject, expires_at FROM session
WHERE tenant = :tenant AND digest = :digest AND expires_at > :now

-- name: session_end
DELETE FROM session WHERE tenant = :tenant AND digest = :digest

-- name: session_sweep
DELETE FROM session WHERE tenant = :tenant AND expires_at <= :now
