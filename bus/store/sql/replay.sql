-- name: replay_rows
SELECT id, side, kind, turn, seq, attempts, superseded, body FROM inbox
WHERE tenant = :tenant AND conversation = :conversation AND turn = :turn ORDER BY id

-- name: replay_actions
SELECT body, state FROM action WHERE tenant = :tenant AND conversation = :conversation ORDER BY created_at, id

-- name: replay_turn
SELECT seq, at, episode, turn, kind, v, body FROM entry
WHERE tenant = :tenant AND conversation = :conversation AND turn = :turn ORDER BY seq

-- name: replay_last_turn
SELECT MAX(turn) AS turn FROM entry WHERE tenant = :tenant AND conversation = :conversation AND kind = 'decided'
