"""The block of a change: opened, committed or undone. Written out, because generators cost too much here."""

from types import TracebackType
from typing import Protocol


class Enterable(Protocol):
    """What opens and ends transactions: `connection.Database`."""

    def enter(self, begin: str, *, savepoint: bool) -> int:
        """Open a transaction, or join the open one; return the process whose it is."""

    def leave(self, owner: int, point: str, *, savepoint: bool, failed: bool) -> None:
        """End what `enter` began."""


class Transaction:
    """The block of `Database.write`, `batch` or `read`."""

    __slots__ = ("_begin", "_database", "_owner", "_point", "_savepoint")

    def __init__(self, database: Enterable, begin: str, point: str = "", *, savepoint: bool = False) -> None:
        self._database = database
        self._begin = begin
        self._point = point
        self._savepoint = savepoint

    def __enter__(self) -> None:
        self._owner = self._database.enter(self._begin, savepoint=self._savepoint)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.leave(self._owner, self._point, savepoint=self._savepoint, failed=kind is not None)
