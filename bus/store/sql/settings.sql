-- name: setting_get
SELECT value FROM setting WHERE tenant = :tenant AND name = :name

-- name: setting_set
INSERT INTO setting (tenant, name, value) VALUES (:tenant, :name, :value)
ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value

-- name: spec_by_id
SELECT id, number, body, file_digest, created_at FROM spec WHERE tenant = :tenant AND id = :id

-- name: spec_insert
INSERT INTO spec (tenant, id, number, body, file_digest, created_at)
VALUES (:tenant, :id, (SELECT COALESCE(MAX(number), 0) + 1 FROM spec WHERE tenant = :tenant), :body, :file_digest, :now)
ON CONFLICT (tenant, id) DO NOTHING

-- name: spec_list
SELECT id, number, body, file_digest, created_at FROM spec WHERE tenant = :tenant ORDER BY number
