"""The search: blocks of nonces, tried by this process or several, with hashlib or compiled."""
