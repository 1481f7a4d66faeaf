"""Talking to servers and databases that may hang, lie or be away."""
