"""How long the jobs of a function take: short ones may be handed to a busy process ahead of time."""

from collections import deque
from statistics import median

from outlast.core.job import Spec

QUICK_MILLISECONDS = 10.0
"""Below this median the way between the processes costs more than the job."""
DEPTH = 16
"""So many jobs of this kind a process may have at once."""
PATIENCE_SECONDS = 0.05
"""What has not begun so long after the job before it began is taken back."""
JOBS_PER_PROCESS = 1_000
"""A process is replaced after so many jobs, whatever they left in its memory."""
_SAMPLES, _ENOUGH = 9, 5


class Pace:
    """The last running times of each function."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}

    def note(self, spec: Spec, milliseconds: float) -> None:
        """Add a running time."""
        self._times.setdefault(spec.target, deque(maxlen=_SAMPLES)).append(milliseconds)

    def is_quick(self, spec: Spec) -> bool:
        """Tell whether the function's jobs are known to be short, and may be handed over ahead of time.

        Not those that must not run twice: an end that is reported and not confirmed looks like one that never began.
        """
        times = self._times.get(spec.target, ())
        is_free = spec.policy.timeout_seconds is None and spec.policy.on_interrupt == "resume"
        return is_free and len(times) >= _ENOUGH and median(times) < QUICK_MILLISECONDS
