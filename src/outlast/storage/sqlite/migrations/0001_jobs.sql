-- Times are milliseconds since 1970-01-01 UTC. JSON is text. See docs/decisions for why the tables are cut like this.

-- What runs and under which rules: equal for all jobs of one function in one program.
CREATE TABLE specs (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    body TEXT NOT NULL
) STRICT;

-- The row that every change of status rewrites: args and result stand here while they are short (one page less to
-- write and to sync), else in tables of their own, like all that may be large.
-- seq is never below created_at * 1024, so a time of creation is a bound of seq.
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    spec_id INTEGER NOT NULL,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    keep INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    updated_at INTEGER NOT NULL,
    completed_at INTEGER,
    wake_at INTEGER,
    read_at INTEGER,
    attempt INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    saved INTEGER NOT NULL DEFAULT 0,
    process_id TEXT,
    intent TEXT,
    intent_actor TEXT,
    key TEXT,
    account TEXT,
    actor TEXT NOT NULL,
    labels TEXT,
    progress TEXT,
    waiting_info TEXT,
    extra TEXT,
    error TEXT,
    error_group TEXT,
    result TEXT,
    args TEXT
) STRICT;

CREATE UNIQUE INDEX jobs_key ON jobs (key) WHERE key IS NOT NULL;
CREATE INDEX jobs_account ON jobs (account) WHERE account IS NOT NULL;
-- The queue in its order, the running jobs, and every unfinished job.
CREATE INDEX jobs_unfinished ON jobs (status, queue, priority DESC, coalesce(wake_at, created_at))
    WHERE completed_at IS NULL;
CREATE INDEX jobs_wake ON jobs (wake_at) WHERE status = 'waiting' AND wake_at IS NOT NULL AND reason <> 'paused';
-- Pages of one kind or status, newest first, among any number of finished jobs.
CREATE INDEX jobs_finished ON jobs (kind, status) WHERE completed_at IS NOT NULL;
-- What retention removes: ends by their age, and ends that were read by the time since then.
CREATE INDEX jobs_ended ON jobs (completed_at) WHERE completed_at IS NOT NULL AND keep = 0;
CREATE INDEX jobs_read ON jobs (read_at) WHERE read_at IS NOT NULL AND keep = 0;

-- Arguments that are too long for the job's row.
CREATE TABLE inputs (
    seq INTEGER PRIMARY KEY,
    args TEXT NOT NULL
) STRICT;

CREATE TABLE checkpoints (
    seq INTEGER PRIMARY KEY,
    cursor TEXT,
    partial TEXT
) STRICT;

-- Results that are too long for the job's row, and tracebacks. size and sha256: of large results only, for lists that
-- show these instead.
CREATE TABLE results (
    seq INTEGER PRIMARY KEY,
    result TEXT,
    size INTEGER,
    sha256 TEXT,
    traceback TEXT
) STRICT;

CREATE TABLE steps (
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    saved_at INTEGER NOT NULL,
    duration_ms REAL NOT NULL,
    result TEXT NOT NULL,
    PRIMARY KEY (seq, n),
    UNIQUE (seq, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    n INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    actor TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    detail TEXT
) STRICT;

CREATE INDEX events_seq ON events (seq);

CREATE TABLE progress_history (
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    done REAL,
    total REAL,
    PRIMARY KEY (seq, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE questions (
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,
    question TEXT NOT NULL,
    answered_at INTEGER,
    answer TEXT,
    actor TEXT,
    PRIMARY KEY (seq, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    spec_id INTEGER NOT NULL,
    args TEXT NOT NULL,
    rule TEXT NOT NULL,
    timezone TEXT NOT NULL,
    catch_up INTEGER NOT NULL,
    paused INTEGER NOT NULL,
    next_at INTEGER,
    last_job_id TEXT,
    actor TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What stays of a job that was pruned or removed. fingerprint: of kind, target and arguments, for jobs with a key.
CREATE TABLE history (
    id TEXT PRIMARY KEY,
    key TEXT,
    kind TEXT NOT NULL,
    account TEXT,
    status TEXT NOT NULL,
    reason TEXT,
    error_group TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    completed_at INTEGER NOT NULL,
    removed_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    fingerprint BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX history_key ON history (key) WHERE key IS NOT NULL;
CREATE INDEX history_removed ON history (removed_at);

CREATE TABLE processes (
    id TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    pid_namespace TEXT NOT NULL,
    added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: on one machine there is one supervisor for a store.
CREATE TABLE supervisors (
    place INTEGER PRIMARY KEY CHECK (place = 1),
    id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    pid_namespace TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT;

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;
