"""Running jobs: the supervisor, its job processes, and what happens when either dies."""
