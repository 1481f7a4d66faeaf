"""What both sides of a run know about how an account's process ends."""

STOPPED = 130
"""Its exit code when it was asked to stop."""
GRACE_SECONDS = 5.0
"""So long it has to stop what it is doing."""
