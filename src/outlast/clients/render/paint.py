"""Colours: the few that carry a meaning, and nothing at all where colours are off."""

from dataclasses import dataclass

from outlast.core.status import Status

_CODES = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "dim": "2", "bold": "1"}
_OF_STATUS = {
    Status.RUNNING: "cyan",
    Status.WAITING: "yellow",
    Status.COMPLETED: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "dim",
}


@dataclass(frozen=True, slots=True)
class Paint:
    """A brush that paints only where colours are on."""

    on: bool = False

    def __call__(self, text: str, colour: str) -> str:
        """Return `text` in `colour` (a name of this module, or empty for none)."""
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self.on and colour and text else text

    def status(self, text: str, status: Status) -> str:
        """Return `text` in the colour of a status."""
        return self(text, _OF_STATUS.get(status, ""))


PLAIN = Paint()
