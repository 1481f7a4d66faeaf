"""Fingerprints of texts and results."""


def sha256(data: bytes) -> bytes:
    """Return the 32 bytes of SHA-256 (FIPS 180-4)."""
    import hashlib  # when it is needed: with OpenSSL it takes as long to load as all of SQLite, and as much memory

    return hashlib.sha256(data).digest()
