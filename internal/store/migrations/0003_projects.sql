-- Compose projects: what an account asked for last, so that start, stop and down need no file.
CREATE TABLE projects (
    account    TEXT NOT NULL REFERENCES accounts (id),
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    spec       TEXT NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
