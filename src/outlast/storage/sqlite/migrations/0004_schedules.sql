-- The table that 0001 made was never used; this one holds what a schedule needs.
DROP TABLE schedules;

-- next_at: the next due time. settled_to: up to here every due time has been dealt with. skipped: due times that an
-- unfinished job has cost since the last job. revision rises with every change, so that none is made unseen.
CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    spec_id INTEGER NOT NULL,
    args TEXT NOT NULL,
    account TEXT,
    labels TEXT,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    rule TEXT NOT NULL,
    timezone TEXT NOT NULL,
    catch_up TEXT NOT NULL,
    overlap TEXT NOT NULL,
    paused INTEGER NOT NULL,
    next_at INTEGER,
    settled_to INTEGER NOT NULL,
    last_job_id TEXT,
    skipped INTEGER NOT NULL,
    actor TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX schedules_due ON schedules (next_at) WHERE paused = 0 AND next_at IS NOT NULL;
-- Where the clock went back behind what has been dealt with.
CREATE INDEX schedules_settled ON schedules (settled_to) WHERE paused = 0 AND next_at > settled_to;
