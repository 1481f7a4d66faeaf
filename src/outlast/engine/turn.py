"""One turn of the supervisor: many changes, one commit, and only then their effects outside."""

from collections.abc import Callable
from typing import Any

from outlast.engine.jobside.protocol import Message
from outlast.engine.pool import JobProcess
from outlast.engine.wire import Connection, Wire


class Turn:
    """What is to be done once the commit of this turn is durable. A turn that fails is thrown away whole.

    `changed`: somebody who watches has something new to see. `puts_off`: a job waits for a time now. `queues`: jobs
    were queued in it, which nobody can have seen before.
    `ended` holds (process, number) of the jobs that ended in it, `freed` the processes that have none left, `arrived`
    those that said hello and can have one; so many are `leaving` that make room for others.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._after: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        self._last: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        self.freed: list[JobProcess] = []
        self.arrived: list[JobProcess] = []
        self.leaving = 0
        self.ended: set[tuple[str, int]] = set()
        self.changed = False
        self.puts_off = False
        self.queues = False

    def then(self, effect: Callable[..., object], *args: Any) -> None:
        """Call `effect(*args)` after the commit."""
        self._after.append((effect, args))

    def at_last(self, effect: Callable[..., object], *args: Any) -> None:
        """Call `effect(*args)` after the commit and after all other effects: by then everybody has what is his."""
        self._last.append((effect, args))

    def answer(self, connection: Connection, message: Message) -> None:
        """Send an answer after the commit."""
        self.then(self._wire.send, connection, message)

    def finish(self) -> None:
        """Carry out the effects, in order; the commit is durable."""
        for effect, args in [*self._after, *self._last]:
            effect(*args)
        self._wire.flush()
