"""Where jobs are kept: the SQLite store, durable files, and the published jobs.json."""
