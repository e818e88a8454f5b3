"""The provider's tables; the checks are its last line of defence."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS authorizations (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    outcome TEXT NOT NULL,
    failure_code TEXT NOT NULL,
    captured INTEGER NOT NULL DEFAULT 0,
    voided INTEGER NOT NULL DEFAULT 0,
    refunded INTEGER NOT NULL DEFAULT 0,
    charged_back INTEGER NOT NULL DEFAULT 0,
    expires_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    metadata TEXT NOT NULL,
    CHECK (captured + voided <= amount),
    CHECK (refunded + charged_back <= captured)
);
CREATE TABLE IF NOT EXISTS operations (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    authorization TEXT NOT NULL REFERENCES authorizations (id),
    fingerprint TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    outcome TEXT NOT NULL,
    failure_code TEXT NOT NULL,
    executed INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS operations_authorization ON operations (authorization);
CREATE TABLE IF NOT EXISTS confirmations (
    secret TEXT PRIMARY KEY,
    authorization TEXT NOT NULL UNIQUE REFERENCES authorizations (id),
    return_url TEXT
);
CREATE TABLE IF NOT EXISTS first_calls (key TEXT PRIMARY KEY);
"""
