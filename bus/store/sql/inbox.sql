-- name: inbox_insert
INSERT INTO inbox (tenant, channel, account, key, conversation, side, kind, state, due_at, received_at, body, raw)
VALUES (:tenant, :channel, :account, :key, :conversation, :side, :kind, :state, :due_at, :now, :body, :raw)
ON CONFLICT (tenant, channel, account, key) DO NOTHING

-- name: inbox_existing
SELECT conversation, state FROM inbox WHERE tenant = :tenant AND channel = :channel AND account = :account AND key = :key

-- name: inbox_memo
INSERT INTO inbox (tenant, channel, account, key, conversation, side, kind, state, due_at, received_at, body)
VALUES (:tenant, 'memo', '', :key, :conversation, 'customer', 'memo', 'ready', :due_at, :now, :body)
ON CONFLICT (tenant, channel, account, key) DO UPDATE SET
    state = 'ready', due_at = excluded.due_at, body = excluded.body, turn = 0, attempts = 0, received_at = excluded.received_at

-- name: inbox_cancel
UPDATE inbox SET state = 'cancelled'
WHERE tenant = :tenant AND channel = 'memo' AND account = '' AND key = :key AND state = 'ready'

-- name: inbox_waits
SELECT id FROM inbox WHERE tenant = :tenant AND channel = 'memo' AND account = '' AND key = :key AND state = 'ready'

-- name: inbox_ready
-- Staff first, then what is unfinished, then in the order of arrival. A row whose turn failed is there before it is due again, so
-- that nothing overtakes it.
SELECT id, side, kind, turn, seq, attempts, superseded, body, due_at <= :now AS due FROM inbox
WHERE tenant = :tenant AND conversation = :conversation AND state = 'ready' AND (due_at <= :now OR turn > 0)
ORDER BY CASE side WHEN 'staff' THEN 0 ELSE 1 END, CASE turn WHEN 0 THEN 1 ELSE 0 END, id LIMIT :limit

-- name: inbox_due
SELECT inbox.conversation AS id, MIN(inbox.id) AS first FROM inbox
JOIN conversation ON conversation.tenant = inbox.tenant AND conversation.id = inbox.conversation
WHERE inbox.tenant = :tenant AND inbox.state = 'ready' AND inbox.due_at <= :now AND inbox.conversation != ''
  AND conversation.lease_until <= :now
GROUP BY inbox.conversation HAVING MAX(inbox.attempts) < :suspected ORDER BY first LIMIT :limit

-- name: inbox_suspects
SELECT inbox.conversation AS id, MIN(inbox.id) AS first FROM inbox
JOIN conversation ON conversation.tenant = inbox.tenant AND conversation.id = inbox.conversation
WHERE inbox.tenant = :tenant AND inbox.state = 'ready' AND inbox.due_at <= :now AND inbox.conversation != ''
  AND conversation.lease_until <= :now
GROUP BY inbox.conversation HAVING MAX(inbox.attempts) >= :suspected ORDER BY first LIMIT :limit

-- name: inbox_begin
UPDATE inbox SET turn = :turn, seq = :seq, attempts = attempts + 1 WHERE tenant = :tenant AND id = :id

-- name: inbox_progress
UPDATE inbox SET attempts = 1 WHERE tenant = :tenant AND conversation = :conversation AND turn = :turn AND state = 'ready'

-- name: inbox_done
UPDATE inbox SET state = 'done' WHERE tenant = :tenant AND id = :id

-- name: inbox_park
UPDATE inbox SET state = 'parked' WHERE tenant = :tenant AND id = :id

-- name: inbox_again
UPDATE inbox SET turn = 0, attempts = 0, superseded = superseded + :superseded WHERE tenant = :tenant AND id = :id

-- name: inbox_afresh
UPDATE inbox SET turn = 0 WHERE tenant = :tenant AND id = :id

-- name: inbox_later
UPDATE inbox SET due_at = :due_at WHERE tenant = :tenant AND id = :id

-- name: inbox_unrouted
SELECT id, side, kind, body, received_at FROM inbox
WHERE tenant = :tenant AND state = 'unrouted'
ORDER BY CASE kind WHEN 'delivery' THEN 1 ELSE 0 END, received_at, id LIMIT :limit

-- name: inbox_unrouted_reports
SELECT id, body FROM inbox
WHERE tenant = :tenant AND state = 'unrouted' AND kind = 'delivery' AND channel = :channel ORDER BY received_at, id

-- name: inbox_route
UPDATE inbox SET state = 'ready', conversation = :conversation WHERE tenant = :tenant AND id = :id AND state = 'unrouted'

-- name: inbox_settle
UPDATE inbox SET state = 'done', conversation = :conversation WHERE tenant = :tenant AND id = :id AND state = 'unrouted'

-- name: inbox_backlog
SELECT COUNT(*) AS waiting FROM inbox WHERE tenant = :tenant AND state = 'ready' AND due_at <= :now

-- name: inbox_latest
SELECT received_at FROM inbox WHERE tenant = :tenant ORDER BY id DESC LIMIT 1
