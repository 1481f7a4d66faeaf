"""How long the jobs of a function take: short ones may be handed to a busy process ahead of time."""

from collections import deque
from statistics import median

from outlast.core.job import Spec

QUICK_MILLISECONDS = 10.0
"""Below this median the way between the processes costs more than the job."""
AHEAD_MILLISECONDS = 20.0
"""So much work is handed to a process ahead of time: enough to keep it busy until the next commit."""
DEPTH = 64
"""So many jobs a process may have at once, however short they are."""
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

    def weight(self, spec: Spec) -> float:
        """Return which share of a process a job of this function takes: 1 unless its jobs are known to be short.

        Also 1 if they must not run twice: an end that is reported and not confirmed looks like one that never began.
        And if their time or memory is limited: it must be their own.
        """
        times = self._times.get(spec.target, ())
        policy = spec.policy
        is_free = policy.timeout_seconds is None and policy.memory_limit_bytes is None
        is_free = is_free and policy.on_interrupt == "resume"
        if not is_free or len(times) < _ENOUGH or (usual := median(times)) >= QUICK_MILLISECONDS:
            return 1.0
        return max(1 / DEPTH, usual / AHEAD_MILLISECONDS)
