-- What accounts use. Times are milliseconds since 1970 in UTC, by the ledger's own count of time; durations are milliseconds.

-- Closed intervals, of removed accounts too. What was written is not changed: what was wrong is corrected by a further entry.
CREATE TABLE ledger (
    account  TEXT    NOT NULL,
    seq      INTEGER NOT NULL, -- from 1 on, without a gap
    kind     TEXT    NOT NULL,
    resource TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    class    TEXT    NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity >= 1),
    started  INTEGER NOT NULL,
    ended    INTEGER NOT NULL CHECK (ended >= started),
    least    INTEGER NOT NULL CHECK (least >= 0), -- charged at least, from started on
    amount   TEXT    NOT NULL, -- of a correction
    note     TEXT    NOT NULL, -- of a correction
    PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_ended ON ledger (account, ended);
CREATE TRIGGER ledger_stays BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is not changed, it is corrected by a further entry'); END;
CREATE TRIGGER ledger_is_kept BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'nothing is taken out of the ledger'); END;

-- Intervals that are open.
CREATE TABLE meters (
    account  TEXT    NOT NULL REFERENCES accounts (id),
    kind     TEXT    NOT NULL,
    resource TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    class    TEXT    NOT NULL,
    quantity INTEGER NOT NULL,
    started  INTEGER NOT NULL,
    least    INTEGER NOT NULL,
    run      TEXT    NOT NULL, -- which start of a container it is
    PRIMARY KEY (account, kind, resource)
) STRICT, WITHOUT ROWID;

-- How the ledger's time follows from the machine's count since its boot.
CREATE TABLE clock (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    boot    TEXT    NOT NULL, -- which boot of the machine
    shift   INTEGER NOT NULL, -- the ledger's time less the count since that boot
    reached INTEGER NOT NULL  -- a time that was reached
) STRICT;

CREATE TABLE budgets (
    account TEXT NOT NULL REFERENCES accounts (id),
    set_by  TEXT NOT NULL,
    spec    TEXT NOT NULL,
    PRIMARY KEY (account, set_by)
) STRICT, WITHOUT ROWID;

-- Versions of the price book that were in force.
CREATE TABLE prices (
    day      TEXT    NOT NULL PRIMARY KEY,
    noted_at INTEGER NOT NULL,
    text     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER prices_stay BEFORE UPDATE ON prices BEGIN SELECT RAISE(ABORT, 'prices that were in force are not changed'); END;
CREATE TRIGGER prices_are_kept BEFORE DELETE ON prices BEGIN SELECT RAISE(ABORT, 'prices that were in force are kept'); END;

CREATE TABLE former_accounts (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    removed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
