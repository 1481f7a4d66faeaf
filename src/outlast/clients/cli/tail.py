"""Following a log that grows."""

from outlast.joblog import JobLog

TAIL_BYTES = 2_000
MOST_BYTES = 1_000_000


class Tail:
    """The end of a log, or all of it."""

    def __init__(self, log: JobLog, *, from_start: bool) -> None:
        self._log = log
        self._position = log.begin() if from_start else self._at_last_lines()

    def read(self) -> bytes:
        """Return what was added since the last call, at most 1 MB; what was cut off meanwhile is left out."""
        text, self._position = self._log.read(self._position, MOST_BYTES)
        return text

    def _at_last_lines(self) -> int:
        """Return where the last lines begin, so that who looks in sees where the job is."""
        begin = self._log.begin()
        start = max(begin, self._log.end() - TAIL_BYTES)
        if start == begin:
            return start
        text, _ = self._log.read(start, TAIL_BYTES)
        return start + text.find(b"\n") + 1
