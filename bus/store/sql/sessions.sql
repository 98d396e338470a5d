-- name: session_insert
INSERT INTO session (tenant, digest, channel, address, conversation, subject, scope, created_at, expires_at)
VALUES (:tenant, :digest, :channel, :address, :conversation, :subject, :scope, :now, :expires_at)

-- name: session_find
SELECT session.digest, session.channel, session.address, session.conversation, session.subject, session.scope,
    session.expires_at, conversation.customer_name AS name
FROM session JOIN conversation ON conversation.tenant = session.tenant AND conversation.id = session.conversation
WHERE session.tenant = :tenant AND session.digest = :digest AND session.expires_at > :now

-- name: session_view
SELECT conversation.id, conversation.seq, conversation.owner, conversation.owner_name, conversation.delivered
FROM session JOIN conversation ON conversation.tenant = session.tenant AND conversation.id = session.conversation
WHERE session.tenant = :tenant AND session.digest = :digest AND session.expires_at > :now

-- name: session_shorten
UPDATE session SET expires_at = :until WHERE tenant = :tenant AND digest = :digest AND expires_at > :until

-- name: session_end
DELETE FROM session WHERE tenant = :tenant AND digest = :digest

-- name: session_end_visitors
DELETE FROM session WHERE tenant = :tenant AND conversation = :conversation AND subject = ''

-- name: session_sweep
DELETE FROM session WHERE tenant = :tenant AND expires_at <= :now
