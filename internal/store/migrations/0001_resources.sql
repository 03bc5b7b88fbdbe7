-- Accounts and what they own. Every row of a resource names its account in its key.
-- Times are RFC 3339 in UTC; spec, state, labels and info hold JSON.

CREATE TABLE accounts (
    id         TEXT    NOT NULL PRIMARY KEY,
    slot       INTEGER NOT NULL UNIQUE,
    name       TEXT    NOT NULL UNIQUE,
    created_at TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE containers (
    account    TEXT NOT NULL REFERENCES accounts (id),
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    image_id   TEXT NOT NULL,
    address    TEXT,
    phase      TEXT NOT NULL,
    created_at TEXT NOT NULL,
    spec       TEXT NOT NULL,
    state      TEXT NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, name),
    UNIQUE (account, address)
) STRICT;

CREATE TABLE volumes (
    account    TEXT    NOT NULL REFERENCES accounts (id),
    id         TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    size_gb    INTEGER NOT NULL,
    auto       INTEGER NOT NULL,
    container  TEXT    NOT NULL,
    labels     TEXT    NOT NULL,
    phase      TEXT    NOT NULL,
    created_at TEXT    NOT NULL,
    written    INTEGER NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, name)
) STRICT;

CREATE TABLE images (
    account   TEXT NOT NULL REFERENCES accounts (id),
    id        TEXT NOT NULL,
    info      TEXT NOT NULL,
    pulled_at TEXT NOT NULL,
    PRIMARY KEY (account, id)
) STRICT;

-- A row with a tag is that tag; a row without one is a reference by digest.
CREATE TABLE tags (
    account    TEXT NOT NULL,
    repository TEXT NOT NULL,
    tag        TEXT NOT NULL,
    digest     TEXT NOT NULL,
    image_id   TEXT NOT NULL,
    PRIMARY KEY (account, repository, tag, digest),
    FOREIGN KEY (account, image_id) REFERENCES images (account, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tags_name ON tags (account, repository, tag) WHERE tag <> '';
CREATE INDEX tags_image ON tags (account, image_id);

-- An address belongs to one account of the machine.
CREATE TABLE floating_ips (
    address      TEXT NOT NULL PRIMARY KEY,
    account      TEXT NOT NULL REFERENCES accounts (id),
    name         TEXT NOT NULL,
    container    TEXT NOT NULL,
    allocated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX floating_ips_name ON floating_ips (account, name) WHERE name <> '';
CREATE UNIQUE INDEX floating_ips_container ON floating_ips (account, container) WHERE container <> '';
