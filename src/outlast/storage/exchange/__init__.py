"""The export format: every job of a store as lines of JSON, and back. docs/files.md describes it."""
