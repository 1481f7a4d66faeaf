"""Damaged files: what can be read is kept, the rest is said, and nothing is lost of what stands in the other file.

TORTURE_FLIPS=all tries every bit of both files, a number so many of them; TORTURE_SEED chooses others.
"""

import json
import logging
import os
import random
from collections.abc import Callable, Iterator
from inspect import signature
from itertools import takewhile
from pathlib import Path

import pytest

from outlast import JobState
from outlast.jobstate import filebook, records, view
from outlast.jobstate.filebook import FileBook
from tests.jobstate.places import ACCOUNT, DAY, TYPE, Clock, journal_path, json_path, read_json

NAMES = ["quiz-1", "quiz-2", "quiz-3", "poll-1", "poll-3"]
DONE = ["quiz-1", "poll-1"]
FLIPS = os.environ.get("TORTURE_FLIPS", "300")
SEED = os.environ.get("TORTURE_SEED", "13")


class Files:
    """The two files of a checklist in which two activities are completed, one was skipped and one failed."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "state"
        clock = Clock(DAY)
        checklist = JobState(dir=self.directory, timezone="UTC", clock=clock).open(ACCOUNT, TYPE, NAMES)
        for name in DONE:
            clock.seconds += 60
            checklist.complete(name)
        clock.seconds += 60
        checklist.skip("quiz-2", "no time")
        checklist.fail("poll-3", "no poll")
        self.json, self.journal = json_path(self.directory), journal_path(self.directory)
        self.texts = {self.json: self.json.read_bytes(), self.journal: self.journal.read_bytes()}

    def put(self, path: Path, text: bytes) -> None:
        """Write one file anew, the other one as it was."""
        for leftover in self.directory.glob("*/*damaged*"):
            leftover.unlink()
        for each, whole in self.texts.items():
            each.write_bytes(text if each == path else whole)

    def opened(self) -> list[str]:
        """Return what is completed for a program that starts now; what it shows then must be right."""
        state = JobState(dir=self.directory, timezone="UTC", clock=Clock(DAY))
        looked = state.history()
        checklist = state.open(ACCOUNT, TYPE, NAMES)
        completed = checklist.completed
        shown = read_json(self.json)
        assert shown["completed"] == completed
        assert shown["remaining"] == checklist.remaining
        assert not looked or list(looked[0].completed) == completed
        return completed


@pytest.fixture
def files(memory_disk: Path, caplog: pytest.LogCaptureFixture) -> Files:
    caplog.set_level(logging.WARNING, "outlast.jobstate")
    return Files(memory_disk)


def flipped(text: bytes) -> Iterator[bytes]:
    """Yield the text with one bit changed: any bit, or a choice."""
    bits = range(len(text) * 8)
    most = len(bits) if FLIPS == "all" else min(int(FLIPS), len(bits))
    words = f"TORTURE_SEED={SEED} TORTURE_FLIPS={FLIPS} ./run test tests/jobstate -k flipped"
    print(f"{most} of {len(bits)} bits; again: {words}")
    for bit in sorted(random.Random(SEED).sample(bits, most)):
        changed = bytearray(text)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def test_a_json_cut_at_any_byte_is_made_anew(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    whole = files.texts[files.json]
    for size in range(len(whole) - 1):
        caplog.clear()
        files.put(files.json, whole[:size])

        assert files.opened() == DONE, size

        [copy] = files.directory.glob("*/*.damaged-*")
        assert copy.read_bytes() == whole[:size]
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert copy.name in caplog.text


def test_any_flipped_bit_of_a_json_loses_and_invents_nothing(files: Files) -> None:
    for changed in flipped(files.texts[files.json]):
        files.put(files.json, changed)

        assert files.opened() == DONE, changed


def test_a_journal_cut_at_any_byte_costs_nothing_that_the_json_has(files: Files) -> None:
    for size in range(len(files.texts[files.journal])):
        files.put(files.journal, files.texts[files.journal][:size])

        assert sorted(files.opened()) == sorted(DONE), size


def test_any_flipped_bit_of_a_journal_costs_nothing_that_the_json_has(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    for changed in flipped(files.texts[files.journal]):
        files.put(files.journal, changed)

        assert sorted(files.opened()) == sorted(DONE), changed

    assert "damaged records are left out" in caplog.text


def test_of_a_damaged_journal_what_can_be_read_is_kept_and_the_rest_is_said(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    for changed in flipped(files.texts[files.journal]):
        caplog.clear()
        files.put(files.journal, changed)
        files.json.write_bytes(b"\0" * 300)

        found = files.opened()

        assert set(found) <= set(DONE)
        assert len(found) >= len(DONE) - 1
        assert found == DONE or "damaged records are left out, the first at byte" in caplog.text


def test_with_a_json_lost_too_a_cut_journal_keeps_every_whole_record(files: Files) -> None:
    whole = files.texts[files.journal]
    for size in range(0, len(whole), 3):
        files.put(files.journal, whole[:size])
        files.json.write_bytes(b"")

        kept = [name for name in DONE if line_of(whole[:size], name)]
        assert files.opened() == kept, size


def line_of(text: bytes, name: str) -> bytes:
    """Return the whole line that completes an activity, empty if it is not there to its newline."""
    lines = text[: text.rfind(b"\n") + 1].split(b"\n")
    return next((line for line in lines if b'"complete"' in line and f'"{name}"'.encode() in line), b"")


WHOLE = {"date": DAY, "account": ACCOUNT, "type": TYPE, "completed": DONE, "remaining": ["quiz-3", "poll-3"]}
WHOLE["lastUpdate"] = "2025-09-20T12:03:00.000Z"


def changed(**fields: object) -> bytes:
    return json.dumps({**WHOLE, **fields}).encode()


STRANGE: dict[str, bytes] = {
    "empty": b"",
    "zeros": b"\0" * 4096,
    "spaces": b" \n ",
    "not UTF-8": b"\xff\xfe\xfa{}",
    "a list": b"[]",
    "null": b"null",
    "a text": b'"completed"',
    "a number of 5,000 digits": b"9" * 5_000,
    "deep": b"[" * 100_000,
    "deep inside": b'{"completed": ' + b"[" * 100_000,
    "10 MB": b"{" + b" " * 10_000_000,
    "infinite": b'{"completed": [1e999, NaN, -Infinity]}',
    "completed is a text": changed(completed="abc"),
    "completed is missing": json.dumps({key: value for key, value in WHOLE.items() if key != "completed"}).encode(),
    "completed holds anything": changed(completed=[1, None, {}, [], "quiz-1", True, 2**70, "poll-1"]),
    "remaining is a number": changed(remaining=5),
    "names are numbers": changed(account=1, type=2, date=3),
    "a key twice": b'{"completed": ["quiz-3"], ' + changed()[1:],
    "overlapping": changed(completed=["quiz-3", "quiz-1"], remaining=["quiz-3", "poll-1", "poll-3"]),
    "of somebody else": changed(account="somebody", type="else"),
    "nothing in it": b"{}",
    "more than ours": changed(more={"of": "this"}, completed=DONE),
    "with a byte order mark": b"\xef\xbb\xbf" + changed(),
    "UTF-16": changed().decode().encode("utf-16"),
    "escaped": json.dumps(WHOLE).replace("quiz", "\\u0071uiz").encode(),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_strange_json_is_made_anew_from_its_journal(files: Files, what: str) -> None:
    files.put(files.json, STRANGE[what])

    assert files.opened() == DONE
    assert read_json(files.json)["account"] == ACCOUNT
    assert files.opened() == DONE


@pytest.mark.parametrize("what", STRANGE)
def test_a_strange_json_alone_gives_what_can_be_believed(files: Files, what: str) -> None:
    files.put(files.json, STRANGE[what])
    files.journal.unlink()

    found = files.opened()

    assert all(isinstance(name, str) for name in found)
    assert set(found) <= {*DONE, "quiz-3"}
    assert files.opened() == found


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: b"\0" * 4096,
        lambda text: b"\n" * 1000 + text,
        lambda text: b"\xff" * 100 + text,
        lambda text: text + b'\n00000000 {"event":"complete","at":"x","activity":"quiz-3"}\n',
        lambda text: text.replace(b"\n\n", b"\n"),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text * 2,
        lambda text: random.Random(1).randbytes(10_000),
        lambda text: text + b"x" * 10_000_000,
    ],
    ids=["empty", "zeros", "lines", "bytes before", "forged", "joined", "edited", "twice", "noise", "10 MB"],
)
def test_a_strange_journal_costs_nothing_that_the_json_has(files: Files, damage: Callable[[bytes], bytes]) -> None:
    files.put(files.journal, damage(files.texts[files.journal]))

    assert sorted(files.opened()) == sorted(DONE)
    state = JobState(dir=files.directory, timezone="UTC", clock=Clock(DAY))
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    list(checklist.each())
    assert checklist.remaining == []


def test_a_record_of_a_later_version_is_passed_over(files: Files) -> None:
    from zlib import crc32

    body = b'{"event":"celebrate","at":"2026-01-01T00:00:00.000Z","activity":"quiz-3","cake":[1,2]}'
    files.put(files.journal, files.texts[files.journal] + b"\n%08x %b\n" % (crc32(body), body))

    assert files.opened() == DONE
    assert JobState(dir=files.directory).doctor() == []


def test_the_doctor_names_what_is_damaged_and_changes_nothing(files: Files) -> None:
    state = JobState(dir=files.directory, timezone="UTC", clock=Clock(DAY))
    assert state.doctor() == []
    files.put(files.json, b"{")
    files.journal.write_bytes(files.texts[files.journal][:-9])

    found = state.doctor()

    assert [(finding.path, finding.problem.partition(":")[0]) for finding in found] == [
        (str(files.json), "it is damaged"),
    ]
    assert files.json.read_bytes() == b"{"
    files.journal.write_bytes(files.texts[files.journal].replace(b"fail", b"fall"))
    assert "1 records of its journal cannot be read" in state.doctor()[1].problem
    files.opened()
    files.json.unlink()
    files.json.mkdir()
    assert [finding.fix for finding in state.doctor()] == ["Move it away; it is made anew."]


def believes_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: whatever a JSON calls completed is."""
    monkeypatch.setattr(view, "added", lambda seen, ledger: [n for n in seen.completed if n not in ledger.completed])


def compares_no_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a record is believed whatever its checksum."""

    def believe(line: bytes) -> records.Record | None:
        try:
            return records._from_fields(json.loads(line[9:]))
        except ValueError:
            return None

    monkeypatch.setattr(records, "_from_line", believe)


def makes_nothing_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a damaged JSON stays as it is."""
    monkeypatch.setattr(FileBook, "_mend", lambda book: None)


def stops_at_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: what comes after a damaged record is lost with it."""

    def until_damaged(data: bytes, offset: int = 0) -> Iterator[records.Piece]:
        return takewhile(lambda piece: piece.record is not None, records.pieces(data, offset))

    monkeypatch.setattr(filebook, "pieces", until_damaged)


@pytest.mark.parametrize(
    ("plant", "judge"),
    [
        (believes_every_name, test_any_flipped_bit_of_a_json_loses_and_invents_nothing),
        (makes_nothing_anew, test_any_flipped_bit_of_a_json_loses_and_invents_nothing),
        (makes_nothing_anew, test_a_json_cut_at_any_byte_is_made_anew),
        (compares_no_sum, test_any_flipped_bit_of_a_journal_costs_nothing_that_the_json_has),
        (stops_at_the_first, test_of_a_damaged_journal_what_can_be_read_is_kept_and_the_rest_is_said),
    ],
    ids=lambda each: each.__name__,
)
def test_a_fault_in_the_reading_is_caught(
    files: Files,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    plant: Callable[[pytest.MonkeyPatch], None],
    judge: Callable[..., None],
) -> None:
    plant(monkeypatch)

    with pytest.raises((AssertionError, ValueError)):
        judge(files, caplog) if "caplog" in signature(judge).parameters else judge(files)
