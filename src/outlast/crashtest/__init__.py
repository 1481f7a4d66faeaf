"""A trial of a person's own disk and job: random kills, then a verdict from what was written outside the store."""
