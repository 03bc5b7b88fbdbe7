-- What an account may be entered with, what it may have, and whether it is served.
-- A secret is sealed with a key that is not in this database; of a token there is its SHA-256 only.

ALTER TABLE accounts ADD COLUMN state TEXT NOT NULL DEFAULT 'enabled';

-- Slots of accounts that are gone, until nothing on the machine carries their ids.
CREATE TABLE retired_slots (
    slot INTEGER NOT NULL PRIMARY KEY
) STRICT;

CREATE TABLE credentials (
    access     TEXT NOT NULL PRIMARY KEY,
    account    TEXT NOT NULL REFERENCES accounts (id),
    name       TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    hash       TEXT NOT NULL PRIMARY KEY,
    account    TEXT NOT NULL REFERENCES accounts (id),
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    UNIQUE (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE certificates (
    serial      TEXT NOT NULL PRIMARY KEY,
    account     TEXT NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    expires_at  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A resource without a row is not limited.
CREATE TABLE quotas (
    account  TEXT    NOT NULL REFERENCES accounts (id),
    resource TEXT    NOT NULL,
    maximum  INTEGER NOT NULL,
    PRIMARY KEY (account, resource)
) STRICT, WITHOUT ROWID;
