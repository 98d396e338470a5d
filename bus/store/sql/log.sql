-- name: log_head
SELECT seq, head, episode FROM conversation WHERE tenant = :tenant AND id = :conversation

-- name: log_append
INSERT INTO entry (tenant, conversation, seq, at, episode, turn, step, kind, v, body, salt, body_digest, link)
VALUES (:tenant, :conversation, :seq, :at, :episode, :turn, :step, :kind, :v, :body, :salt, :body_digest, :link)

-- name: log_after
SELECT seq, at, episode, turn, kind, v, body FROM entry
WHERE tenant = :tenant AND conversation = :conversation AND seq > :after ORDER BY seq LIMIT :limit

-- name: log_newest
SELECT seq, at, episode, turn, kind, v, body FROM entry
WHERE tenant = :tenant AND conversation = :conversation AND seq <= :until ORDER BY seq DESC LIMIT :limit

-- name: log_window
-- What a turn looks at. Reports of deliveries come at any time and say nothing to it; without them a turn that runs again sees the same.
SELECT seq, at, episode, turn, kind, v, body FROM entry
WHERE tenant = :tenant AND conversation = :conversation AND seq <= :until AND kind NOT IN ('delivered', 'delivery_failed', 'expired')
ORDER BY seq DESC LIMIT :limit

-- name: log_newest_said
SELECT seq, at, episode, turn, kind, v, body FROM entry
WHERE tenant = :tenant AND conversation = :conversation
  AND kind IN ('customer_said', 'customer_pressed', 'customer_edited', 'agent_said', 'staff_said', 'system_said') AND body IS NOT NULL
ORDER BY seq DESC LIMIT :limit

-- name: log_heard_at
SELECT at FROM entry
WHERE tenant = :tenant AND conversation = :conversation AND kind IN ('customer_said', 'customer_pressed')
ORDER BY seq DESC LIMIT 1

-- name: log_ours_between
SELECT seq, at, episode, turn, kind, v, body FROM entry
WHERE tenant = :tenant AND conversation = :conversation AND seq > :after AND seq <= :upto
  AND kind IN ('agent_said', 'staff_said', 'system_said') AND body IS NOT NULL
ORDER BY seq

-- name: log_said_after
SELECT seq, at, episode, turn, kind, v, body FROM entry
WHERE tenant = :tenant AND conversation = :conversation AND seq > :after AND body IS NOT NULL
  AND kind IN ('customer_said', 'customer_pressed', 'customer_edited', 'agent_said', 'staff_said', 'system_said')
ORDER BY seq LIMIT :limit

-- name: log_first_said
SELECT MIN(seq) AS seq FROM entry
WHERE tenant = :tenant AND conversation = :conversation AND seq < :before AND kind = :kind AND body LIKE :like ESCAPE '\'

-- name: log_steps
SELECT seq, at, episode, turn, kind, v, body FROM entry
WHERE tenant = :tenant AND conversation = :conversation AND turn = :turn AND step > 0 ORDER BY step

-- name: log_one
SELECT seq, at, episode, turn, kind, v, body FROM entry
WHERE tenant = :tenant AND conversation = :conversation AND seq = :seq

-- name: log_chain
SELECT seq, at, kind, v, body, salt, body_digest, link FROM entry
WHERE tenant = :tenant AND conversation = :conversation ORDER BY seq

-- name: log_step_count
SELECT COUNT(*) AS steps FROM entry WHERE tenant = :tenant AND conversation = :conversation AND turn = :turn AND step > 0
