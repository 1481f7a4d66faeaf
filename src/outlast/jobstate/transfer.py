"""Checklists that come from another directory, or go to one."""

import os
from collections.abc import Iterable, Sequence

from outlast.core.errors import NotFound
from outlast.jobstate.places import Places, checklists_in
from outlast.jobstate.reading import Entry, read_entry
from outlast.jobstate.records import COMPLETE, Record
from outlast.jobstate.state import JobState
from outlast.jobstate.view import Title, written_fields


def found_in(directory: str) -> list[Entry]:
    """Return the checklists of a directory of job state, or of the old system's. Raise NotFound if it has none.

    What a JSON says of its account and type is believed: the old system may have named its directories otherwise.
    """
    if not os.path.isdir(directory):
        raise NotFound(f"{directory} is no directory.", "Name the one that holds a directory for each account.")
    paths = [path for account in Places(directory, None).accounts() for path in checklists_in(account)]
    found = [entry for path in paths if (entry := read_entry(path, of_elsewhere=True)) is not None]
    if not found:
        raise NotFound(f"{directory} holds no checklists.", "They are ACCOUNT/TYPE-2025-09-20.json.")
    return found


def take_over(state: JobState, entries: Iterable[Entry], *, dry_run: bool = False) -> list[Entry]:
    """Add the completions of these checklists to those that are here; return the ones that change something."""
    changed = []
    for entry in entries:
        here = read_entry(state.places.json(Title(entry.account, entry.type, entry.date)))
        new = [name for name in entry.completed if here is None or name not in here.completed]
        if here is None or new:
            if not dry_run:
                _add(state, entry, here, new)
            changed.append(entry)
    return changed


def _add(state: JobState, entry: Entry, here: Entry | None, new: Sequence[str]) -> None:
    known = () if here is None else (*here.completed, *here.remaining)
    names = list(dict.fromkeys([*known, *entry.completed, *entry.remaining]))
    checklist = state.open(entry.account, entry.type, names, entry.date)
    for name in new:
        checklist._book.note(Record(COMPLETE, at=entry.last_update, activity=name))


def write_to(directory: str, entries: Iterable[Entry]) -> list[str]:
    """Write checklists as JSONs into a directory, made anew if need be; return their paths."""
    from pathlib import Path

    from outlast.durable import ensure_directory, replace_file

    places, paths = Places(os.path.abspath(directory), None), []
    for entry in entries:
        path = places.json(Title(entry.account, entry.type, entry.date))
        ensure_directory(Path(path).parent)
        fields = (list(entry.completed), list(entry.remaining), entry.last_update)
        replace_file(Path(path), written_fields(Title(entry.account, entry.type, entry.date), *fields))
        paths.append(path)
    return paths
