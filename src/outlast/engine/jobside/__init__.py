"""What runs inside a job process: standard library and core only, never the store."""
