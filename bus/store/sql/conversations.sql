-- name: conversation_insert
INSERT INTO conversation (tenant, id, channel, address, customer_source, customer_id, customer_name, language, created_at, updated_at)
VALUES (:tenant, :id, :channel, :address, :customer_source, :customer_id, :customer_name, :language, :now, :now)

-- name: conversation_by_id
SELECT * FROM conversation WHERE tenant = :tenant AND id = :id

-- name: conversation_take_lease
UPDATE conversation SET lease_owner = :owner, lease_token = lease_token + 1, lease_until = :until, interrupt = ''
WHERE tenant = :tenant AND id = :id AND lease_until <= :now
RETURNING lease_token

-- name: conversation_hold_lease
UPDATE conversation SET lease_until = :until
WHERE tenant = :tenant AND id = :id AND lease_owner = :owner AND lease_token = :token
RETURNING interrupt

-- name: conversation_release_lease
UPDATE conversation SET lease_until = 0, lease_owner = ''
WHERE tenant = :tenant AND id = :id AND lease_owner = :owner AND lease_token = :token

-- name: conversation_free_leases
UPDATE conversation SET lease_until = 0, lease_owner = '' WHERE tenant = :tenant AND lease_until > 0

-- name: conversation_free_leases_of
UPDATE conversation SET lease_until = 0, lease_owner = '' WHERE tenant = :tenant AND lease_owner = :owner AND lease_until > 0

-- name: conversation_interrupt
UPDATE conversation SET interrupt = CASE WHEN interrupt = 'staff' THEN interrupt ELSE :interrupt END
WHERE tenant = :tenant AND id = :id

-- name: conversation_next_turn
UPDATE conversation SET turns = turns + :new, interrupt = :interrupt WHERE tenant = :tenant AND id = :id RETURNING turns

-- name: conversation_change
UPDATE conversation SET
    owner = COALESCE(:owner, owner),
    owner_name = COALESCE(:owner_name, owner_name),
    status = COALESCE(:status, status),
    language = COALESCE(:language, language),
    summary = COALESCE(:summary, summary),
    epoch = epoch + :bump_epoch,
    episode = episode + :new_episode,
    updated_at = :now
WHERE tenant = :tenant AND id = :id

-- name: conversation_reopen
UPDATE conversation SET status = 'open' WHERE tenant = :tenant AND id = :id

-- name: conversation_set_desk
UPDATE conversation SET desk = :desk WHERE tenant = :tenant AND id = :id AND desk = ''

-- name: conversation_set_customer
UPDATE conversation SET customer_source = :customer_source, customer_id = :customer_id, customer_name = :customer_name
WHERE tenant = :tenant AND id = :id

-- name: conversation_set_address
UPDATE conversation SET address = :address WHERE tenant = :tenant AND id = :id

-- name: conversation_set_head
UPDATE conversation SET seq = :seq, head = :head, updated_at = :now WHERE tenant = :tenant AND id = :id

-- name: conversation_page
SELECT * FROM conversation
WHERE tenant = :tenant AND seq > 0
  AND (:channel = '' OR channel = :channel)
  AND (:owner = '' OR owner = :owner)
  AND (:q = '' OR id = :q OR customer_id = :q OR customer_name LIKE :like ESCAPE '\'
       OR id IN (SELECT conversation FROM entry WHERE tenant = :tenant AND kind IN ('customer_said', 'agent_said', 'staff_said')
                 AND body LIKE :like ESCAPE '\'))
  AND (updated_at < :before_at OR (updated_at = :before_at AND id < :before_id))
ORDER BY updated_at DESC, id DESC
LIMIT :limit

-- name: conversation_heads
SELECT id, seq, head FROM conversation WHERE tenant = :tenant ORDER BY id

-- name: link_of
SELECT conversation, side, anchor FROM link WHERE tenant = :tenant AND address = :address

-- name: link_insert
INSERT INTO link (tenant, address, conversation, side) VALUES (:tenant, :address, :conversation, :side)
ON CONFLICT (tenant, address) DO NOTHING

-- name: link_anchor
UPDATE link SET anchor = :anchor WHERE tenant = :tenant AND address = :address AND anchor = ''

-- name: customer_upsert
INSERT INTO customer (tenant, source, id, name, email, locale, token, token_expires_at, updated_at)
VALUES (:tenant, :source, :id, :name, :email, :locale, :token, :token_expires_at, :now)
ON CONFLICT (tenant, source, id) DO UPDATE SET
    name = excluded.name, email = excluded.email, locale = excluded.locale, token = excluded.token,
    token_expires_at = excluded.token_expires_at, updated_at = excluded.updated_at

-- name: customer_by_id
SELECT * FROM customer WHERE tenant = :tenant AND source = :source AND id = :id

-- name: conversation_set_delivered
UPDATE conversation SET delivered = :delivered WHERE tenant = :tenant AND id = :id
