"""Who carries out the orders of a crew; here this process itself, in team.py several others."""

from typing import Protocol

from outlast.pow.searching.orders import Order, Report, carry_out
from outlast.pow.searching.search import open_searcher


class Hands(Protocol):
    """Who carries out orders."""

    def are_free(self) -> bool:
        """Tell whether an order can be given now."""

    def are_idle(self) -> bool:
        """Tell whether every order that was given has come back from `next_end`."""

    def give(self, order: Order) -> None:
        """Give an order; only when they are free."""

    def next_end(self, seconds: float) -> Report | Order | None:
        """Return a report, or an order that nobody finished; None if there is none within so many seconds."""

    def close(self) -> None:
        """End and reap every process; what they were doing is lost."""


class OwnHands:
    """This process. An order is carried out, however long it takes, when its report is asked for."""

    def __init__(self, prefix: bytes, choice: str) -> None:
        self._searcher = open_searcher(prefix, choice)
        self._order: Order | None = None

    def are_free(self) -> bool:
        return self._order is None

    def are_idle(self) -> bool:
        return self._order is None

    def give(self, order: Order) -> None:
        self._order = order

    def next_end(self, seconds: float) -> Report | Order | None:
        if self._order is None:
            return None
        report = carry_out(self._order, self._searcher)
        self._order = None
        return report

    def close(self) -> None:
        self._searcher.close()
