-- A number outside that jobs wait for (a block height), as the last of them read it. look_at: when somebody should
-- read it again, as long as somebody waits.
CREATE TABLE gauges (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL,
    look_at INTEGER NOT NULL,
    every_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Set while a job waits for a gauge to reach a value, and while it is queued to read the gauge for all.
ALTER TABLE jobs ADD COLUMN gauge TEXT;
ALTER TABLE jobs ADD COLUMN reaches INTEGER;
CREATE INDEX jobs_gauge ON jobs (gauge, status, reaches) WHERE gauge IS NOT NULL;
