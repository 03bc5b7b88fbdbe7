-- What a volume was made of, which is more than its size.
ALTER TABLE volumes ADD COLUMN spec TEXT NOT NULL DEFAULT '{}';

-- Snapshots of volumes. The volume that one was taken of cannot be removed while it is there.
CREATE TABLE snapshots (
    account    TEXT    NOT NULL REFERENCES accounts (id),
    id         TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    volume     TEXT    NOT NULL,
    size_gb    INTEGER NOT NULL,
    phase      TEXT    NOT NULL,
    created_at TEXT    NOT NULL,
    spec       TEXT    NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, name)
) STRICT, WITHOUT ROWID;
