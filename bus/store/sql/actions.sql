-- name: action_insert
INSERT INTO action (tenant, id, conversation, state, asks, created_at, expires_at, body)
VALUES (:tenant, :id, :conversation, :state, :asks, :created_at, :expires_at, :body)

-- name: action_move
UPDATE action SET state = :after, asks = :asks, body = :body
WHERE tenant = :tenant AND id = :id AND conversation = :conversation AND state = :before

-- name: action_by_id
SELECT body, state FROM action WHERE tenant = :tenant AND id = :id

-- name: actions_open
SELECT body, state FROM action
WHERE tenant = :tenant AND conversation = :conversation AND state IN ('pending', 'approved', 'executing', 'blocked', 'unknown')
ORDER BY created_at, id

-- name: actions_page
SELECT body, state FROM action
WHERE tenant = :tenant AND (:state = '' OR state = :state) AND id > :after ORDER BY id LIMIT :limit
