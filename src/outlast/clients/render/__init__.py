"""Jobs as text, for every client: pure functions of values, a width and the time."""
