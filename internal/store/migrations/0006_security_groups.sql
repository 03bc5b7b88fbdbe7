-- Security groups. Which containers carry one is in the containers' specs.
CREATE TABLE security_groups (
    account    TEXT NOT NULL REFERENCES accounts (id),
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    spec       TEXT NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
