"""Faults for a script of this folder to have, so that whoever judges it is seen to catch them.

The variable PLANTED names the one that a process has.
"""

import os
from collections.abc import Callable

from outlast.core.filenames import safe_file_name
from outlast.jobstate import view
from outlast.jobstate.filebook import FileBook
from outlast.jobstate.ledger import Ledger
from outlast.jobstate.places import Places
from outlast.jobstate.records import COMPLETE, Record
from outlast.jobstate.sheet import Sheet
from outlast.jobstate.view import Title

VARIABLE = "PLANTED"
_WAITING = 3


def promises_too_early() -> None:
    """Acknowledge a completion while it and two others still wait to be written."""
    note, held = FileBook.note, list[tuple[FileBook, Record]]()

    def later(book: FileBook, record: Record, *, durable: bool = True) -> None:
        if record.event != COMPLETE:
            note(book, record, durable=durable)
            return
        held.append((book, record))
        if len(held) > _WAITING:
            first, oldest = held.pop(0)
            note(first, oldest)

    FileBook.note = later  # type: ignore[assignment,method-assign]


def writes_in_place() -> None:
    """Rewrite the JSON where it stands, in two writes."""

    def write(sheet: Sheet, title: Title, ledger: Ledger, mode: int) -> None:
        del mode
        data = view.written(title, ledger)
        with open(sheet.path, "wb", buffering=0) as file:
            file.write(data[: len(data) // 2])
            file.write(data[len(data) // 2 :])

    Sheet.write = write  # type: ignore[assignment,method-assign]


def twins_share_a_file() -> None:
    """Let `a/b` and `a_b` have the same file name."""
    _name_files(lambda name, case_blind: safe_file_name(name.replace("/", "_"), case_blind=case_blind))


def climbs_out() -> None:
    """Leave a name of two dots as it is."""
    _name_files(lambda name, case_blind: name if name == ".." else safe_file_name(name, case_blind=case_blind))


def _name_files(named: Callable[[str, bool], str]) -> None:
    def name_of(places: Places, name: str) -> str:
        return named(name, name != name.lower() and places.case_blind)

    Places._name = name_of  # type: ignore[assignment,method-assign]


FAULTS: dict[str, Callable[[], None]] = {
    each.__name__: each for each in (promises_too_early, writes_in_place, twins_share_a_file, climbs_out)
}


def plant() -> None:
    """Have the fault that the environment names, if it names one."""
    if name := os.environ.get(VARIABLE):
        FAULTS[name]()
