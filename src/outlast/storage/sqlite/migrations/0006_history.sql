-- What stays of removed jobs, some hundred to a row: one row for each would take a third of what the job took.
-- packed: see storage/sqlite/traces.py; last, so that the rest is read without it. summary: what figures need of a
-- block; NULL: it is made of the block,
-- which is not packed yet. first_made and last_made: between them lie the times in the ids; NULL: some id
-- has none.
CREATE TABLE history_blocks (
    number INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    first_made INTEGER,
    last_made INTEGER,
    first_removed INTEGER NOT NULL,
    last_removed INTEGER NOT NULL,
    summary BLOB,
    packed BLOB NOT NULL
) STRICT;

CREATE INDEX history_first_removed ON history_blocks (first_removed);
CREATE INDEX history_plain ON history_blocks (number) WHERE summary IS NULL;
CREATE INDEX history_last_removed ON history_blocks (last_removed);

-- In which blocks the keys of removed jobs are: every submission with a key asks.
CREATE TABLE history_keys (
    key TEXT NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (key, block)
) STRICT, WITHOUT ROWID;

-- Block by block, along the primary key: to sort a million rows would take their size in memory.
CREATE TEMP TABLE borders (number INTEGER PRIMARY KEY, first TEXT NOT NULL, next TEXT) STRICT;
INSERT INTO borders SELECT (place + 511) / 512, id, lead(id) OVER (ORDER BY id)
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM history) WHERE place % 512 = 1;

INSERT INTO history_blocks (number, count, first_removed, last_removed, packed) SELECT
    b.number,
    (SELECT count(*) FROM history WHERE id >= b.first AND (b.next IS NULL OR id < b.next)),
    (SELECT min(removed_at) FROM history WHERE id >= b.first AND (b.next IS NULL OR id < b.next)),
    (SELECT max(removed_at) FROM history WHERE id >= b.first AND (b.next IS NULL OR id < b.next)),
    (SELECT CAST(json_object('rows', json_group_array(json_array(id, key, kind, account, status, reason, error_group,
        created_at, started_at, completed_at, removed_at, actor, iif(fingerprint IS NULL, NULL, hex(fingerprint)))))
        AS BLOB) FROM history WHERE id >= b.first AND (b.next IS NULL OR id < b.next))
    FROM borders b;

INSERT OR IGNORE INTO history_keys (key, block) SELECT h.key, b.number
    FROM borders b CROSS JOIN history h ON h.id >= b.first AND (b.next IS NULL OR h.id < b.next)
    WHERE h.key IS NOT NULL;

DROP TABLE temp.borders;
DROP TABLE history;
