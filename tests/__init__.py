"""The tests of Outlast; `python -m tests.gate` runs every check."""
