-- What is told of the store as a whole comes out of indexes alone: reading a million rows for a count would take
-- seconds. On the hot path only jobs_ended is written, and that was written before.
DROP INDEX jobs_ended;
CREATE INDEX jobs_ended ON jobs (completed_at, status) WHERE completed_at IS NOT NULL AND keep = 0;
CREATE INDEX jobs_kept ON jobs (completed_at, status) WHERE completed_at IS NOT NULL AND keep = 1;
CREATE INDEX history_ended ON history (completed_at, status);
-- How long the newest of a kind took.
CREATE INDEX history_kinds ON history (kind, status, completed_at, started_at);
-- What failed alike, the newest first.
CREATE INDEX jobs_failed ON jobs (error_group, completed_at, kind) WHERE status = 'failed';
CREATE INDEX history_failed ON history (error_group, completed_at, kind) WHERE status = 'failed';
-- Every failure has a group; that of a failure without an error is empty.
UPDATE jobs SET error_group = '' WHERE status = 'failed' AND error_group IS NULL;
UPDATE history SET error_group = '' WHERE status = 'failed' AND error_group IS NULL;
