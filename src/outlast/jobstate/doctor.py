"""Looking for what is wrong with job state. Nothing is changed: what can be mended is, when a checklist is opened."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from outlast.core.errors import OutlastError
from outlast.jobstate import locks
from outlast.jobstate.places import Places, checklists_in
from outlast.jobstate.reading import read_entry

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "lustre"})
_OPEN_IT = "It is made anew when the checklist is opened; a copy is kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong: with which file, what, and what mends it."""

    path: str
    problem: str
    fix: str


def findings(places: Places) -> list[Finding]:
    """Return everything that is wrong, in the order of the files."""
    if not os.path.lexists(places.root):
        return []
    return [*_of_disk(places.root), *(each for path in places.accounts() for each in _of_account(path))]


def _of_disk(root: str) -> Iterator[Finding]:
    if not os.path.isdir(root):
        yield Finding(path=root, problem="it is no directory", fix="Move it away, or name another dir.")
        return
    if (kind := file_system(root)) in _NETWORK:
        fix = "Keep job state on a local disk."
        yield Finding(path=root, problem=f"it lies on a network file system ({kind}), where locks fail", fix=fix)
    try:
        with tempfile.TemporaryFile(dir=root) as probe:
            locks.try_lock(probe.fileno(), locks.SETUP)
    except OSError as error:
        yield Finding(path=root, problem=f"it cannot be used: {error.strerror}", fix="Check owner, mode and disk.")


def _of_account(directory: str) -> Iterator[Finding]:
    try:
        paths = list(checklists_in(directory))
    except OSError as error:
        yield Finding(path=directory, problem=f"it cannot be read: {error.strerror}", fix="Check its owner and mode.")
        return
    for path in paths:
        yield from _of_checklist(path)


def _of_checklist(path: str) -> Iterator[Finding]:
    try:
        entry = read_entry(path)
    except OutlastError as error:
        yield Finding(path=path, problem=error.message, fix=error.fix)
        return
    if entry is None:
        return
    if entry.fault:
        yield Finding(path=path, problem=f"it is damaged: {entry.fault}", fix=_OPEN_IT)
    if entry.damaged:
        words = f"{entry.damaged} records of its journal cannot be read"
        yield Finding(path=path, problem=words, fix="The others count; look whether what was done is all there.")


def file_system(path: str) -> str:
    """Return the kind of file system on which a path lies (`ext4`, `nfs4`), empty where it cannot be told."""
    best, kind = "", ""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                head, _, tail = line.partition(" - ")
                place = head.split(" ")[4].replace("\\040", " ")
                inside = path == place or path.startswith(place.rstrip("/") + "/")
                if inside and len(place) >= len(best):
                    best, kind = place, tail.split(" ")[0]
    except (OSError, IndexError):
        return ""
    return kind
