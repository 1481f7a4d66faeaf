-- Somebody was promised that the job is there until then: an MCP client that was told a task's time to live.
ALTER TABLE jobs ADD COLUMN hold_until INTEGER;
