-- The first shape of the store. Portable between SQLite and Postgres except for the identity column, which each engine spells.
CREATE TABLE conversation (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    desk TEXT NOT NULL DEFAULT '',
    customer_source TEXT NOT NULL DEFAULT '',
    customer_id TEXT NOT NULL DEFAULT '',
    customer_name TEXT NOT NULL DEFAULT '',
    owner TEXT NOT NULL DEFAULT 'agent',
    owner_name TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'open',
    epoch BIGINT NOT NULL DEFAULT 0,
    episode BIGINT NOT NULL DEFAULT 1,
    turns BIGINT NOT NULL DEFAULT 0,
    language TEXT NOT NULL DEFAULT '',
    summary TEXT NOT NULL DEFAULT '',
    seq BIGINT NOT NULL DEFAULT 0,
    head TEXT NOT NULL DEFAULT '',
    delivered BIGINT NOT NULL DEFAULT 0,
    lease_owner TEXT NOT NULL DEFAULT '',
    lease_token BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT NOT NULL DEFAULT 0,
    interrupt TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX conversation_updated ON conversation (tenant, updated_at, id);

CREATE TABLE link (
    tenant TEXT NOT NULL,
    address TEXT NOT NULL,
    conversation TEXT NOT NULL,
    side TEXT NOT NULL,
    anchor TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, address)
);
CREATE INDEX link_conversation ON link (tenant, conversation);

CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    channel TEXT NOT NULL,
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    conversation TEXT NOT NULL DEFAULT '',
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    turn BIGINT NOT NULL DEFAULT 0,
    seq BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    superseded BIGINT NOT NULL DEFAULT 0,
    received_at BIGINT NOT NULL,
    body TEXT NOT NULL,
    raw TEXT NOT NULL DEFAULT '',
    UNIQUE (tenant, channel, account, key)
);
CREATE INDEX inbox_due ON inbox (tenant, due_at, conversation) WHERE state = 'ready';
CREATE INDEX inbox_conversation ON inbox (tenant, conversation, id) WHERE state = 'ready';
CREATE INDEX inbox_unrouted ON inbox (tenant, received_at) WHERE state = 'unrouted';

CREATE TABLE entry (
    tenant TEXT NOT NULL,
    conversation TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    episode BIGINT NOT NULL,
    turn BIGINT NOT NULL,
    step BIGINT NOT NULL DEFAULT 0,
    kind TEXT NOT NULL,
    v BIGINT NOT NULL,
    body TEXT,
    salt TEXT,
    body_digest TEXT NOT NULL,
    link TEXT NOT NULL,
    PRIMARY KEY (tenant, conversation, seq)
);
CREATE INDEX entry_turn ON entry (tenant, conversation, turn, step) WHERE step > 0;

CREATE TABLE action (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    conversation TEXT NOT NULL,
    state TEXT NOT NULL,
    asks TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX action_conversation ON action (tenant, conversation, state);

CREATE TABLE effect (
    tenant TEXT NOT NULL,
    tool TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    once TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL,
    conversation TEXT NOT NULL,
    turn BIGINT NOT NULL,
    at BIGINT NOT NULL,
    result TEXT NOT NULL DEFAULT 'null',
    PRIMARY KEY (tenant, tool, idempotency_key)
);

CREATE INDEX effect_reserved ON effect (tenant, conversation, turn) WHERE state = 'reserved';

CREATE TABLE effect_amount (
    tenant TEXT NOT NULL,
    tool TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    scope TEXT NOT NULL,
    at BIGINT NOT NULL,
    amount TEXT NOT NULL,
    PRIMARY KEY (tenant, tool, idempotency_key, scope)
);
CREATE INDEX effect_amount_scope ON effect_amount (tenant, tool, scope, at);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    conversation TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    epoch BIGINT,
    cause BIGINT NOT NULL DEFAULT 0,
    attempt TEXT NOT NULL DEFAULT '',
    attempts BIGINT NOT NULL DEFAULT 0,
    platform_id TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    lease_until BIGINT NOT NULL DEFAULT 0,
    body TEXT NOT NULL,
    UNIQUE (tenant, key)
);
CREATE INDEX outbox_waiting ON outbox (tenant, address, id) WHERE state IN ('pending', 'sending');
CREATE INDEX outbox_due ON outbox (tenant, due_at) WHERE state IN ('pending', 'sending');
CREATE INDEX outbox_platform ON outbox (tenant, channel, platform_id) WHERE platform_id != '';

CREATE TABLE customer (
    tenant TEXT NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    email TEXT NOT NULL DEFAULT '',
    locale TEXT NOT NULL DEFAULT '',
    token TEXT NOT NULL DEFAULT '',
    token_expires_at BIGINT NOT NULL DEFAULT 0,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, source, id)
);

CREATE TABLE session (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    conversation TEXT NOT NULL,
    subject TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX session_expiry ON session (tenant, expires_at);

CREATE TABLE spec (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    body TEXT NOT NULL,
    file_digest TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE setting (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
);
