"""Another file in place of a store: the old one set aside with all that belongs to it, whatever dies in between.

    1  the new file is whole and flushed, under a temporary name beside the store
    2  a marker is written that names it and the names for the old files; while it stands, nobody opens the store
    3  the old files get their new names, the WAL before the new file takes the store's name
    4  the new file is renamed to the store's name
    5  the marker is removed

A death before 2 leaves the store as it was. After it, `finish` does what remains, as often as it is called.
"""

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from outlast.core.errors import StoreDamaged
from outlast.crashpoint import crash_point
from outlast.durable import aside_names, fsync_directory, replace_file
from outlast.storage.sqlite.beside import SIDES, marker_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the marker says: the new file, and the old one's name from then on."""

    new: Path
    aside: Path


def replace_store(path: Path, new: Path) -> Path | None:
    """Put `new`, a whole and flushed file beside the store, in its place; return where the old one is, if any was."""
    aside = next(name for name in aside_names(path) if not any(os.path.lexists(f"{name}{s}") for s in ("", *SIDES)))
    crash_point("repair:built")
    replace_file(marker_of(path), json.dumps({"new": new.name, "aside": aside.name}).encode())
    crash_point("repair:marked")
    return finish(path)


def is_unfinished(path: Path) -> bool:
    """Tell whether a replacement of the store was begun and not finished."""
    return os.path.lexists(marker_of(path))


def finish(path: Path) -> Path | None:
    """Do what remains of a replacement; return where the old store is, if any was."""
    plan = _plan(path)
    if plan.new.exists():
        _set_aside(path, plan.aside)
        for side in SIDES:
            _set_aside(Path(f"{path}{side}"), Path(f"{plan.aside}{side}"))
            # It is linked by both names now; beside the new file it must not stand for a moment.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{path}{side}")
            crash_point("repair:aside")
        fsync_directory(path.parent)
        os.replace(plan.new, path)
        crash_point("repair:renamed")
    fsync_directory(path.parent)
    os.unlink(marker_of(path))
    fsync_directory(path.parent)
    crash_point("repair:unmarked")
    return plan.aside if os.path.lexists(plan.aside) else None


def _plan(path: Path) -> Plan:
    marker = marker_of(path)
    try:
        said = json.loads(marker.read_bytes())
        new, aside = (path.with_name(str(said[name])) for name in ("new", "aside"))
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise StoreDamaged(
            f"{marker} cannot be read: {error}.",
            "Look for the store's files beside it, then remove it and repair again.",
        ) from None
    return Plan(new=new, aside=aside)


def _set_aside(old: Path, aside: Path) -> None:
    """Give a file a second name, so that it is never without one; if it already has it, do nothing."""
    if os.path.lexists(aside) or not os.path.lexists(old):
        return
    try:
        os.link(old, aside, follow_symlinks=False)
    except OSError:
        # A directory, or a disk without links. The marker keeps everybody out meanwhile.
        os.rename(old, aside)
