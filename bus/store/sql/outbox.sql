-- name: outbox_insert
INSERT INTO outbox (tenant, key, conversation, channel, address, state, due_at, expires_at, epoch, cause, created_at, body)
VALUES (:tenant, :key, :conversation, :channel, :address, 'pending', :now, :expires_at, :epoch, :cause, :now, :body)
ON CONFLICT (tenant, key) DO NOTHING

-- name: outbox_first
SELECT id, key, conversation, state, due_at, expires_at, cause, attempt, attempts, lease_until, body,
    epoch != (SELECT epoch FROM conversation WHERE tenant = :tenant AND id = outbox.conversation) AS silenced
FROM outbox WHERE tenant = :tenant AND address = :address AND state IN ('pending', 'sending') ORDER BY id LIMIT 1

-- name: outbox_claim
UPDATE outbox SET state = 'sending', attempt = :attempt, attempts = attempts + 1, lease_until = :until, lease_owner = :process
WHERE tenant = :tenant AND id = :id AND state = 'pending'

-- name: outbox_hold
UPDATE outbox SET lease_until = :until, lease_owner = :process
WHERE tenant = :tenant AND id = :id AND state = 'sending' AND attempt = :attempt

-- name: outbox_due
-- A line is due when its first row is; what waits behind a row that is not due would only be looked at in vain.
SELECT address FROM outbox AS head
WHERE tenant = :tenant AND state IN ('pending', 'sending') AND due_at <= :now AND lease_until <= :now
  AND NOT EXISTS (
    SELECT 1 FROM outbox AS earlier
    WHERE earlier.tenant = head.tenant AND earlier.address = head.address AND earlier.state IN ('pending', 'sending')
      AND earlier.id < head.id)
ORDER BY id LIMIT :limit

-- name: outbox_free_leases
UPDATE outbox SET lease_until = 0 WHERE tenant = :tenant AND state IN ('pending', 'sending') AND state = 'sending'

-- name: outbox_free_leases_of
UPDATE outbox SET lease_until = 0
WHERE tenant = :tenant AND state IN ('pending', 'sending') AND state = 'sending' AND lease_owner = :owner

-- name: outbox_sent
UPDATE outbox SET state = 'sent', platform_id = :platform_id, reason = '', lease_until = 0
WHERE tenant = :tenant AND id = :id AND state IN ('sending', 'pending')

-- name: outbox_end
UPDATE outbox SET state = :state, reason = :reason, lease_until = 0
WHERE tenant = :tenant AND id = :id AND attempt = :attempt AND state IN ('sending', 'pending')

-- name: outbox_more
SELECT 1 AS found FROM outbox
WHERE tenant = :tenant AND address = :address AND conversation = :conversation AND cause = :cause AND state IN ('pending', 'sending')
LIMIT 1

-- name: outbox_again
UPDATE outbox SET state = 'pending', due_at = :due_at, reason = :reason, lease_until = 0
WHERE tenant = :tenant AND id = :id AND state = 'sending' AND attempt = :attempt

-- name: outbox_pause
UPDATE outbox SET state = 'pending', due_at = :due_at, attempts = attempts - 1, lease_until = 0
WHERE tenant = :tenant AND id = :id AND state = 'sending' AND attempt = :attempt

-- name: outbox_wait
UPDATE outbox SET due_at = :due_at WHERE tenant = :tenant AND id = :id AND state = 'pending'

-- name: outbox_leave
UPDATE outbox SET lease_until = :until, attempts = attempts + 1
WHERE tenant = :tenant AND id = :id AND state = 'sending' AND attempt = :attempt AND expires_at > :now

-- name: outbox_by_key
SELECT id, state, address, platform_id, created_at FROM outbox WHERE tenant = :tenant AND key = :key

-- name: outbox_by_platform_id
SELECT id, conversation, state, body FROM outbox
WHERE tenant = :tenant AND channel = :channel AND platform_id = :platform_id AND platform_id != '' ORDER BY id LIMIT 1

-- name: outbox_by_attempt
SELECT id, conversation, state, body FROM outbox
WHERE tenant = :tenant AND channel = :channel AND attempt = :attempt AND state IN ('pending', 'sending') AND state = 'sending'

-- name: outbox_report
UPDATE outbox SET state = :state, reason = :reason
WHERE tenant = :tenant AND id = :id AND (state = 'sent' OR (state = 'delivered' AND :state = 'failed'))

-- name: outbox_backlog
SELECT COUNT(*) AS waiting FROM outbox WHERE tenant = :tenant AND state IN ('pending', 'sending')
