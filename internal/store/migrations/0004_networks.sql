-- Networks that accounts made, and the places of containers in them. A container had one address, in its account's own
-- network; now it has a list of endpoints, of which that is one.
CREATE TABLE networks (
    account    TEXT NOT NULL REFERENCES accounts (id),
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    spec       TEXT NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE containers_with_endpoints (
    account    TEXT NOT NULL REFERENCES accounts (id),
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    image_id   TEXT NOT NULL,
    phase      TEXT NOT NULL,
    created_at TEXT NOT NULL,
    endpoints  TEXT NOT NULL,
    spec       TEXT NOT NULL,
    state      TEXT NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, name)
) STRICT;
INSERT INTO containers_with_endpoints (account, id, name, image_id, phase, created_at, endpoints, spec, state)
    SELECT account, id, name, image_id, phase, created_at,
        CASE WHEN address IS NULL THEN 'null' ELSE json_array(json_object('Address', address)) END, spec, state
    FROM containers;
DROP TABLE containers;
ALTER TABLE containers_with_endpoints RENAME TO containers;
