"""JSONs that are rewritten a little later, because rewriting them at once would take too much of the time.

They are rewritten by the next change that may, else within a second by a thread that exists only while one waits, else
when their checklist is let go or the program ends. What a kill left behind is in the journal.
"""

import os
import threading
import weakref

LATEST_SECONDS = 1.0
"""So long a JSON may be behind."""
_LARGE_BYTES = 65_536
"""A smaller JSON takes less than a millisecond: it is rewritten after each change."""
_SHARE, _LARGE_SHARE = 100, 20
"""Rewriting small JSONs may take a hundredth of the time, a large one a twentieth (decision 0023)."""
_BURST_SECONDS = 0.01
"""So much of it at once, after a rest: a hundred small JSONs."""
_MOST_SECONDS = 0.0002
"""No small JSON counts as more. So 20 ms of something else are enough for the next one."""


class Late:
    """What can be rewritten."""

    def catch_up(self) -> None:
        """Rewrite the JSON, and `forget` that it waits unless that failed; raise nothing for the disk's sake."""
        raise NotImplementedError


class Pace:
    """How much time rewriting small JSONs may take: a hundredth, and a burst after a rest. The time is an argument."""

    def __init__(self) -> None:
        self._left = _BURST_SECONDS
        self._at = 0.0

    def allows(self, now: float) -> bool:
        """True if rewriting may begin now."""
        self._left = min(_BURST_SECONDS, self._left + max(0.0, now - self._at) / _SHARE)
        self._at = now
        return self._left > 0

    def spent(self, seconds: float) -> None:
        """Note how long it took."""
        self._left -= min(seconds, _MOST_SECONDS)


class Costs:
    """How long the JSON of one checklist takes; a large one has to wait twenty times as long as that."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._ended = 0.0

    def allow(self, now: float, size: int) -> bool:
        """True if a JSON of so many bytes may be read or rewritten now."""
        return size < _LARGE_BYTES or now - self._ended >= min(LATEST_SECONDS, _LARGE_SHARE * self._seconds)

    def spent(self, began: float, ended: float) -> None:
        """Note how long it took."""
        self._seconds, self._ended = ended - began, ended


class _Waiting:
    """Those that wait, and the thread that there is while one does and at most a second longer."""

    def __init__(self) -> None:
        self.ones: dict[int, weakref.ref[Late]] = {}
        self.pace = Pace()
        self.thread: threading.Thread | None = None
        self.changing = threading.Lock()
        self.leaving = threading.Event()

    def run(self) -> None:
        while not self._is_over():
            if not self.leaving.wait(LATEST_SECONDS):
                self.rewrite_all()

    def _is_over(self) -> bool:
        with self.changing:
            if self.ones:
                self.leaving.clear()
                return False
            self.thread = None
            return True

    def rewrite_all(self) -> None:
        for key, reference in list(self.ones.items()):
            one = reference()
            if one is None:
                self.ones.pop(key, None)
            else:
                one.catch_up()


_waiting = _Waiting()


def pace() -> Pace:
    """Return the pace of this process."""
    return _waiting.pace


def wait_for(late: Late) -> None:
    """See that it is rewritten within a second, or at the end of the program."""
    waiting = _waiting
    with waiting.changing:
        waiting.ones[id(late)] = weakref.ref(late)
        if waiting.thread is None:
            waiting.leaving.clear()
            waiting.thread = threading.Thread(target=waiting.run, name="outlast-job-state", daemon=True)
            waiting.thread.start()


def forget(late: Late) -> None:
    """It is not behind any more. Takes no lock: it may be called wherever an object is let go."""
    _waiting.ones.pop(id(late), None)


def leave() -> None:
    """Return when the thread is gone, if nothing waits any more: a job must not leave one behind."""
    thread = _waiting.thread
    if thread is None or _waiting.ones or thread is threading.current_thread() or _waiting.changing.locked():
        return
    _waiting.leaving.set()
    thread.join(LATEST_SECONDS)


def rewrite_now() -> None:
    """Rewrite every JSON that waits."""
    _waiting.rewrite_all()


def _in_child() -> None:
    """A forked child has neither the thread nor anything to rewrite: both are its parent's."""
    global _waiting
    _waiting = _Waiting()


os.register_at_fork(after_in_child=_in_child)
