"""What job processes said and nobody has written down yet, and what kind of a turn that makes."""

from typing import Any

from outlast.engine.pool import Pool, Stage
from outlast.engine.wire import Connection

Said = tuple[Connection, dict[str, Any]]
_SAVES = frozenset(("step", "save", "steps"))


class Inbox:
    """The messages of a turn. They stay until its commit is durable: a turn that fails is done again."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.said: list[Said] = []

    def __bool__(self) -> bool:
        return bool(self.said)

    def add(self, said: list[Said]) -> None:
        """Take in what came now."""
        self.said += said

    def clear(self) -> None:
        """Forget it all: it is written down."""
        self.said.clear()

    def only_saves(self) -> bool:
        """Tell whether jobs that go on save something, and that is all."""
        return bool(self.said) and all(message.get("op") in _SAVES for _, message in self.said)

    def only_ends(self) -> bool:
        """Tell whether nothing but ends of jobs came, if anything."""
        return all(message.get("op") == "finish" for _, message in self.said)

    def who_arrive(self) -> list[str]:
        """Return the names of the processes that say hello."""
        return [str(message.get("process")) for _, message in self.said if message.get("op") == "hello"]

    def needs_flush(self) -> bool:
        """Tell whether anything came that must not be lost: a hello is said again."""
        return any(message.get("op") != "hello" for _, message in self.said)

    def plain_ends(self) -> int | None:
        """Return how many jobs came to their end with a result; None if anything else was said, but for a hello."""
        plain = all(
            message.get("op") == "hello" or (message.get("op") == "finish" and message.get("outcome") == "completed")
            for _, message in self.said
        )
        return sum(message.get("op") == "finish" for _, message in self.said) if plain else None

    def only_early_ends(self) -> bool:
        """Tell whether only ends came, all of processes that are busy with their next job."""
        if not self.said or not self.only_ends():
            return False
        ends = [connection.process_id or "" for connection, _ in self.said]
        busy = {process.identity.id: len(process.jobs) for process in self._pool.in_stage(Stage.BUSY)}
        return all(busy.get(name, 0) > ends.count(name) for name in set(ends))
