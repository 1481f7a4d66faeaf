"""Proof of work: nonces whose hash begins with enough zeros. Written against the public API only."""
