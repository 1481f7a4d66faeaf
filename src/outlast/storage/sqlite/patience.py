"""How long to wait for a lock that another process holds."""

import time
from pathlib import Path

from outlast.storage.sqlite import failures

BUSY_SECONDS = 9.0
"""How long another process may hold the lock before we give up: with all else a call ends within ten seconds."""
_PROBE_AFTER = 8
"""Ordinary waits are over by then; only later ones are worth a look at whether locks work at all."""
_PATIENT_AFTER = 40
"""Most waits are for one commit of another process, which takes a few milliseconds: to oversleep it costs more."""


class Patience:
    """The busy handler of one connection to a file in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._since = 0.0

    def __call__(self, calls: int) -> bool:
        """Wait a moment, for the `calls`-th time; False to give up."""
        if calls == 0:
            self._since = time.monotonic()
        if calls == _PROBE_AFTER and failures.broken_locks(self._directory) is not None:
            return False
        if time.monotonic() - self._since > BUSY_SECONDS:
            return False
        time.sleep(0.0002 if calls < _PATIENT_AFTER else 0.002)
        return True
