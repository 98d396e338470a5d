-- name: outbox_insert
INSERT INTO outbox (tenant, key, conversation, channel, address, state, due_at, expires_at, epoch, cause, created_at, body)
VALUES (:tenant, :key, :conversation, :channel, :address, 'pending', :now, :expires_at, :epoch, :cause, :now, :body)
ON CONFLICT (tenant, key) DO NOTHING

-- name: outbox_supersede
UPDATE outbox SET state = 'withdrawn', reason = 'replaced'
WHERE tenant = :tenant AND address = :address AND state = 'pending' AND key LIKE :prefix AND key != :key

-- name: outbox_first
SELECT * FROM outbox
WHERE tenant = :tenant AND address = :address AND state IN ('pending', 'sending') ORDER BY id LIMIT 1

-- name: outbox_claim
UPDATE outbox SET state = 'sending', attempt = :attempt, attempts = attempts + 1, lease_until = :until
WHERE tenant = :tenant AND id = :id AND state = 'pending'

-- name: outbox_hold
UPDATE outbox SET lease_until = :until WHERE tenant = :tenant AND id = :id AND state = 'sending' AND attempt = :attempt

-- name: outbox_due
SELECT address, MIN(id) AS first FROM outbox
WHERE tenant = :tenant AND state IN ('pending', 'sending') AND due_at <= :now AND lease_until <= :now
GROUP BY address ORDER BY first LIMIT :limit

-- name: outbox_free_leases
UPDATE outbox SET lease_until = 0 WHERE tenant = :tenant AND state = 'sending'

-- name: outbox_end
UPDATE outbox SET state = :state, platform_id = :platform_id, reason = :reason, lease_until = 0
WHERE tenant = :tenant AND id = :id AND state IN ('sending', 'pending')

-- name: outbox_again
UPDATE outbox SET state = 'pending', due_at = :due_at, reason = :reason, lease_until = 0
WHERE tenant = :tenant AND id = :id AND state = 'sending'

-- name: outbox_by_key
SELECT id, state, platform_id FROM outbox WHERE tenant = :tenant AND key = :key

-- name: outbox_backlog
SELECT COUNT(*) AS waiting FROM outbox WHERE tenant = :tenant AND state IN ('pending', 'sending')
