"""Looking at the chain while the search goes on: a source that hangs must not hold it up."""

import threading
from time import monotonic
from types import TracebackType

from outlast import OutlastError
from outlast.pow.chain.heights import Height, Heights, HeightUnknown

LOOK_SECONDS = 5.0
"""How often the height is looked at."""


class Lookout:
    """Looks every LOOK_SECONDS, each time in a thread of its own that ends with the look."""

    def __init__(self, heights: Heights) -> None:
        self._heights = heights
        self._next = monotonic() + LOOK_SECONDS
        self._thread: threading.Thread | None = None
        self._seen: Height | OutlastError | None = None

    def news(self) -> Height | HeightUnknown | None:
        """Return what the last look saw, once; None if there is nothing new. Raise what else went wrong with it."""
        if self._thread is not None:
            if self._thread.is_alive():
                return None
            self._thread = None
            seen, self._seen = self._seen, None
            if seen is None or isinstance(seen, Height | HeightUnknown):
                return seen
            raise seen
        if monotonic() >= self._next:
            self._next = monotonic() + LOOK_SECONDS
            self._thread = threading.Thread(target=self._look, name="height", daemon=True)
            self._thread.start()
        return None

    def _look(self) -> None:
        try:
            self._seen = self._heights.look()
        except OutlastError as error:
            self._seen = error

    def __enter__(self) -> "Lookout":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the look that is on its way: a thread that is left behind would cost the process."""
        if self._thread is not None and kind is None:
            self._thread.join()
