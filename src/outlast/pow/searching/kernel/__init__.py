"""The compiled search: straight-line SHA-256 for the one word of the message that changes, made for this processor."""
