-- name: effect_find
SELECT * FROM effect WHERE tenant = :tenant AND tool = :tool AND idempotency_key = :idempotency_key

-- name: effect_reserve
INSERT INTO effect (tenant, tool, idempotency_key, once, state, conversation, turn, at)
VALUES (:tenant, :tool, :idempotency_key, :once, 'reserved', :conversation, :turn, :now)
ON CONFLICT (tenant, tool, idempotency_key) DO UPDATE SET
    state = 'reserved', conversation = excluded.conversation, turn = excluded.turn, at = excluded.at

-- name: effect_settle
UPDATE effect SET state = :state, result = :result
WHERE tenant = :tenant AND tool = :tool AND idempotency_key = :idempotency_key
  AND conversation = :conversation AND turn = :turn AND state = 'reserved'

-- name: effect_reserved_in_turn
SELECT tool, idempotency_key FROM effect
WHERE tenant = :tenant AND conversation = :conversation AND turn = :turn AND state = 'reserved'

-- name: effect_amount_insert
INSERT INTO effect_amount (tenant, tool, idempotency_key, scope, at, amount)
VALUES (:tenant, :tool, :idempotency_key, :scope, :now, :amount)
ON CONFLICT (tenant, tool, idempotency_key, scope) DO UPDATE SET at = excluded.at, amount = excluded.amount

-- name: effect_amounts
SELECT effect_amount.amount AS amount FROM effect_amount
JOIN effect ON effect.tenant = effect_amount.tenant AND effect.tool = effect_amount.tool
  AND effect.idempotency_key = effect_amount.idempotency_key
WHERE effect_amount.tenant = :tenant AND effect_amount.tool = :tool AND effect_amount.scope = :scope
  AND effect_amount.at > :since AND effect.state != 'failed' AND effect.idempotency_key != :idempotency_key
