"""Sending proofs, and asking what became of one that was sent."""
