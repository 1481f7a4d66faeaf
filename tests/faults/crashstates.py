"""Every state in which a power cut may leave a disk, rebuilt from a recording and judged.

A recording (FI_REC of faultio.c) holds each call that changed something, and what the program told (its stdout). After
each call the power may fail. Then

* what an fsync of a file, or of a directory, has forced before is there;
* any other write is there, absent, torn after its first half, or there in size only (zeros), each for itself;
* other changes of names are there up to some moment (`ordered`: ext4, XFS), or each for itself (`weak`: POSIX);
* what was told before that moment is what somebody relies on.
"""

import hashlib
import itertools
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

NAMES = frozenset({"create", "rename", "unlink", "mkdir", "rmdir", "link"})
DATA = frozenset({"write", "truncate"})
FATES = ("absent", "full", "torn", "zeros")
MOST_IN_FULL = 6
"""So many unforced names are tried in every combination; of more, a choice."""
_MEMORY = "/dev/shm"

Check = Callable[[Path, str], str | None]
"""Given a disk and what was told: None if all is well, else what is wrong, beginning with one word and a colon."""


@dataclass(slots=True)
class Call:
    """One call. Paths are relative to the recorded directory; `file` tells files apart, whatever they are called."""

    kind: str
    path: str
    other: str
    inode: int
    offset: int
    data: bytes
    file: int = 0

    @property
    def directories(self) -> set[str]:
        """The directories whose names it changes."""
        return {os.path.dirname(path) or "." for path in (self.path, self.other) if path}


def read_recording(recording: Path, root: Path, before: "Disk | None" = None) -> list[Call]:
    """Return the calls of a recording that was made below `root`, where `before` stood."""
    text, calls, position = recording.read_bytes(), [], 0
    while position < len(text):
        end = text.index(b"\n", position)
        kind, _, inode, offset, size, path, other = text[position:end].decode(errors="surrogateescape").split("\t")
        has_data = kind in ("write", "ack")
        data = text[end + 1 : end + 1 + int(size)] if has_data else b""
        position = end + 1 + len(data) + 1
        path, other = (os.path.relpath(each, root) if each and kind != "ack" else "" for each in (path, other))
        calls.append(Call(kind, path, other, int(inode), int(offset), data))
    _tell_files_apart(calls, {} if before is None else dict(before.names))
    return calls


def _tell_files_apart(calls: Sequence[Call], by_name: dict[str, int]) -> None:
    """Number the files: an inode's number is used again after it is gone."""
    numbers = itertools.count(1)
    by_inode: dict[int, int] = {}
    for call in calls:
        if call.kind == "create":
            call.file = by_name[call.path] = by_inode[call.inode] = next(numbers)
        elif call.kind in ("write", "truncate", "fsync"):
            call.file = by_inode.get(call.inode) or by_name[call.path]
        elif call.kind == "rename":
            call.file = by_name[call.other] = by_name.pop(call.path)
        elif call.kind == "link":
            call.file = by_name[call.other] = by_name[call.path]
        elif call.kind == "unlink":
            call.file = by_name.pop(call.path, 0)


@dataclass(slots=True)
class Disk:
    """Names, what files hold, and directories."""

    names: dict[str, int] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)
    directories: set[str] = field(default_factory=lambda: {"."})

    @classmethod
    def of(cls, root: Path) -> "Disk":
        """Return what lies below a directory; its files have numbers below 0."""
        disk = cls()
        for number, path in enumerate(sorted(root.rglob("*")), start=1):
            name = str(path.relative_to(root))
            if path.is_dir():
                disk.directories.add(name)
            else:
                disk.names[name], disk.files[-number] = -number, path.read_bytes()
        return disk

    def copy(self) -> "Disk":
        """Return one that changes by itself."""
        return Disk(dict(self.names), dict(self.files), set(self.directories))

    def apply(self, call: Call, fate: str = "full") -> None:
        """Let a call have reached the disk."""
        match call.kind:
            case "mkdir":
                self.directories.add(call.path)
            case "rmdir":
                self.directories.discard(call.path)
            case "create":
                self.names[call.path] = call.file
            case "link":
                self.names[call.other] = call.file
            case "unlink":
                self.names.pop(call.path, None)
            case "rename":
                self.names[call.other] = call.file
                if self.names.get(call.path) == call.file:
                    del self.names[call.path]
            case "truncate":
                self.files[call.file] = self.files.get(call.file, b"")[: call.offset].ljust(call.offset, b"\0")
            case "write":
                self._write(call, fate)

    def _write(self, call: Call, fate: str) -> None:
        data = call.data[: len(call.data) // 2] if fate == "torn" else call.data
        held = bytearray(self.files.get(call.file, b""))
        end = call.offset + len(data)
        held.extend(bytes(max(0, end - len(held))))
        if fate != "zeros":
            held[call.offset : end] = data
        self.files[call.file] = bytes(held)

    def digest(self) -> bytes:
        """Return what tells this disk from another one."""
        found = hashlib.sha256(repr(sorted(self.directories)).encode())
        for name, file in sorted(self.names.items()):
            data = self.files.get(file, b"")
            found.update(repr((name, len(data))).encode())
            found.update(data)
        return found.digest()

    def write_to(self, directory: Path) -> None:
        """Make it real; a file whose directory is lost is lost too."""
        for name in sorted(self.directories):
            if self._is_reachable(name):
                (directory / name).mkdir(exist_ok=True)
        for name, file in self.names.items():
            if self._is_reachable(os.path.dirname(name) or "."):
                (directory / name).write_bytes(self.files.get(file, b""))

    def _is_reachable(self, directory: str) -> bool:
        parts = directory.split(os.sep)
        return all(os.sep.join(parts[:count]) in self.directories for count in range(1, len(parts) + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is tried: the model of names, of each moment at most so many states, and what stood there `before`."""

    model: str
    most: int = 400
    seed: int = 1
    before: Disk = field(default_factory=Disk)
    to_the_end: bool = True
    """False: until the first fault."""


def unforced(calls: Sequence[Call]) -> list[int]:
    """Return the numbers of the calls that no later call has forced to the disk."""
    files: set[int] = set()
    directories: set[str] = set()
    found = []
    for number, call in reversed(list(enumerate(calls))):
        if call.kind == "fsync":
            files.add(call.file)
        elif call.kind == "fsyncdir":
            directories.add(call.path)
        elif (call.kind in DATA and call.file not in files) or (
            call.kind in NAMES and not call.directories <= directories
        ):
            found.append(number)
    return found[::-1]


def crash_states(calls: Sequence[Call], plan: Plan) -> Iterator[tuple[int, Disk]]:
    """Yield the disks that a power cut may leave, each with how many calls were made."""
    chance = random.Random(plan.seed)
    base, settled = plan.before.copy(), 0
    for made in range(len(calls) + 1):
        pending = unforced(calls[:made])
        # What stands before the first open question is the same in all that follows.
        first_open = min([*pending, made])
        _let_reach(base, calls[settled:first_open])
        settled = first_open
        names = [number for number in pending if calls[number].kind in NAMES]
        data = [number for number in pending if calls[number].kind in DATA]
        choices = list(itertools.product(_names_kept(names, plan.model, chance), _fates(data, chance, plan.most // 4)))
        for kept, fates in chance.sample(choices, plan.most) if len(choices) > plan.most else choices:
            how = dict.fromkeys(kept, "full") | dict(zip(data, fates, strict=True))
            rest = [("absent" if number in pending else "full") for number in range(settled, made)]
            for number, fate in how.items():
                rest[number - settled] = fate
            yield made, _let_reach(base.copy(), calls[settled:made], rest)


def _let_reach(disk: Disk, calls: Sequence[Call], fates: Sequence[str] = ()) -> Disk:
    """Let calls have reached the disk, each as its fate says; without fates all of them."""
    for call, fate in zip(calls, fates or ["full"] * len(calls), strict=True):
        if fate != "absent":
            disk.apply(call, fate)
    return disk


def _names_kept(names: Sequence[int], model: str, chance: random.Random) -> list[frozenset[int]]:
    prefixes = [frozenset(names[:count]) for count in range(len(names) + 1)]
    if model == "ordered":
        return prefixes
    if len(names) <= MOST_IN_FULL:
        return [frozenset(some) for count in range(len(names) + 1) for some in itertools.combinations(names, count)]
    all_but_one = [frozenset(names) - {name} for name in names]
    any_of_them = [frozenset(name for name in names if chance.random() < 0.5) for _ in range(40)]
    return list(dict.fromkeys([*prefixes, *all_but_one, *map(frozenset, zip(names)), *any_of_them]))


def _fates(data: Sequence[int], chance: random.Random, drawn: int) -> list[tuple[str, ...]]:
    if len(data) <= 3:
        return list(itertools.product(FATES, repeat=len(data)))
    prefixes = [
        tuple("full" if each < count else "absent" for each in range(len(data))) for count in range(len(data) + 1)
    ]
    one_otherwise = [
        tuple(fate if each == other else "full" for each in range(len(data)))
        for other in range(len(data))
        for fate in ("absent", "torn", "zeros")
    ]
    any_of_them = [tuple(chance.choice(FATES) for _ in data) for _ in range(max(30, drawn))]
    return list(dict.fromkeys([*prefixes, *one_otherwise, *any_of_them]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of the states: how many different ones, how often what was wrong, and examples in words."""

    states: int
    faults: Counter[str]
    examples: list[str]


def judge(calls: Sequence[Call], check: Check, *plans: Plan) -> Verdict:
    """Judge every state of every plan; the same disk with the same promises is judged once."""
    seen: set[tuple[bytes, str]] = set()
    faults: Counter[str] = Counter()
    examples: list[str] = []
    told = list(itertools.accumulate((call.data.decode() if call.kind == "ack" else "" for call in calls), initial=""))
    where = _MEMORY if os.path.isdir(_MEMORY) else None
    for made, disk in itertools.chain.from_iterable(crash_states(calls, plan) for plan in plans):
        promised = told[made][: told[made].rfind("\n") + 1]
        key = (disk.digest(), promised)
        if key in seen:
            continue
        seen.add(key)
        if examples and not plans[0].to_the_end:
            break
        with tempfile.TemporaryDirectory(dir=where) as directory:
            disk.write_to(Path(directory))
            fault = check(Path(directory), promised)
        if fault is not None:
            faults[fault.partition(":")[0]] += 1
            examples.append(f"after call {made} ({calls[made - 1].kind} {calls[made - 1].path}): {fault}")
    return Verdict(states=len(seen), faults=faults, examples=examples[:5])
