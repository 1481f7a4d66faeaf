"""T13: a damaged store is told in one line, or shows what it holds; and what there was a copy of comes back.

TORTURE_FLIPS makes it longer.
"""

import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from outlast.core.findings import Level
from outlast.core.view import job_object
from outlast.storage.sqlite import SqliteStore
from outlast.storage.sqlite.backup import copy_store
from outlast.storage.view_file import ViewFile
from tests.cli.shell import PROGRAM, Shell, shell_in
from tests.figures import Figures
from tests.formats.furnish import furnish
from tests.torture.corruption import Patient, Verdicts, flips, outlast

FLIPS = int(os.environ.get("TORTURE_FLIPS", "300"))
PAGE = 4096
REPAIRED_OF = 12
"""Every so many-th damage is also looked at by the doctor, and repaired."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory with every kind of job, its backup and its jobs.json."""
    directory = tmp_path_factory.mktemp("sound")
    furnish(directory / "jobs.db")
    for name in ("backup", "logs", "run"):
        (directory / name).mkdir(mode=0o700)
    for _ in copy_store(directory / "jobs.db", directory / "backup" / "jobs.db"):
        pass
    with closing(SqliteStore(directory / "jobs.db")) as store:
        ViewFile(store, directory / "jobs.json").write()
    return directory


@pytest.fixture
def patient(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    monkeypatch.setenv("OUTLAST_AUTOSTART", "0")
    return Patient(sound, tmp_path / "place")


@pytest.mark.timeout(120 + FLIPS)
def test_flipped_bits_are_told_or_do_no_harm(patient: Patient, figures: Figures) -> None:
    verdicts = Verdicts()
    for turn, (name, raw) in enumerate(flips(patient.raw, FLIPS, random.Random(figures.seed()))):
        patient.judge(name, raw, verdicts)
        if turn % REPAIRED_OF == 0:
            patient.judge_repair(name, raw, verdicts)

    print(f"{verdicts.told} told, {verdicts.right} right, {verdicts.changed} changed, {verdicts.repaired} repaired")
    figures.reached("damages", FLIPS)
    assert verdicts.faults == []
    assert verdicts.told
    assert verdicts.right > verdicts.changed


def test_a_store_that_is_cut_after_any_page_is_told_and_comes_back(patient: Patient) -> None:
    verdicts = Verdicts()
    for pages in range(len(patient.raw) // PAGE):
        raw = patient.raw[: pages * PAGE]
        patient.judge(f"{pages} pages", raw, verdicts, submits=False)
        if pages % REPAIRED_OF == 0:
            patient.judge_repair(f"{pages} pages", raw, verdicts)

    assert verdicts.faults == []
    assert (verdicts.right, verdicts.changed) == (0, 0)


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 99, 100, 101, 511, 512, 513, 4095, -4095])
def test_a_store_that_is_cut_anywhere_is_told(patient: Patient, size: int) -> None:
    verdicts = Verdicts()

    patient.judge(f"{size} bytes", patient.raw[:size], verdicts, submits=False)

    assert verdicts.faults == []
    assert (verdicts.right, verdicts.changed) == (0, 0)


PLANTED: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "a value that is no JSON is let through": lambda patch: patch.setattr(
        "outlast.storage.sqlite.rows.json_text", lambda text: text
    ),
    "an error does not name the file": lambda patch: patch.setattr(
        "outlast.storage.sqlite.failures.damaged", lambda path, cause: ValueError(cause)
    ),
}


@pytest.mark.planted
@pytest.mark.parametrize("fault", PLANTED)
def test_the_judge_sees_a_planted_fault(patient: Patient, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = Verdicts()
    PLANTED[fault](monkeypatch)

    patient.judge(fault, patient.raw.replace(b'{"ok":true', b'{"ok":tsue'), verdicts, submits=False)
    patient.judge(fault, patient.raw[:20_000], verdicts, submits=False)

    assert verdicts.faults != []


@pytest.mark.planted
def test_the_judge_sees_an_answer_that_is_silently_empty(patient: Patient, tmp_path: Path) -> None:
    verdicts = Verdicts()
    with closing(SqliteStore(tmp_path / "empty.db")) as store:
        store.stats()

    patient.judge("an empty store", (tmp_path / "empty.db").read_bytes(), verdicts, submits=False)

    assert any("silently empty" in fault for fault in verdicts.faults)


@pytest.mark.planted
def test_the_judge_sees_a_repair_that_loses_a_job(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = Verdicts()
    monkeypatch.setattr("outlast.storage.sqlite.rebuilding.Rebuilding.take_view", lambda *_: None)
    with patient.with_store(b"x" * 10_000) as directory:
        (directory / "backup" / "jobs.db").unlink()
        patient.repair_and_look("no view", directory, verdicts)

    assert verdicts.faults != []


def test_real_processes_say_the_same(patient: Patient, tmp_path: Path) -> None:
    damaged = patient.raw[: 20 * PAGE]
    with patient.with_store(damaged) as directory, shell_in(tmp_path, directory) as shell:
        for words in (["list"], ["show", next(iter(patient.jobs))], ["submit", "jobs.py:add", "a=1"], ["stats"]):
            said = shell.outlast(*words, "--json", "--data-dir", str(directory), code=2)
            assert (said.out, said.error["code"]) == ("", "store_damaged")
            assert str(directory / "jobs.db") in said.error["message"]
            assert "outlast doctor --repair" in said.error["fix"]
        _repairs(shell, directory, set(patient.jobs))
    assert Path(PROGRAM).exists()


def _repairs(shell: Shell, directory: Path, ids: set[str]) -> None:
    assert shell.outlast("doctor", "--data-dir", str(directory), code=2).out.count("problem") == 1
    shell.outlast("doctor", "--repair", "--data-dir", str(directory))
    listed = shell.outlast("list", "-a", "--limit", "99", "--json", "--data-dir", str(directory), code=0).object
    assert {job["job_id"] for job in listed["jobs"]} == ids


def test_the_file_of_another_user_is_told_in_one_line(patient: Patient) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root")
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        shutil.copytree(patient.sound, Path(name) / "jobs")
        for path in (Path(name) / "jobs", *(Path(name) / "jobs").iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        readable = as_nobody(Path(name) / "jobs")
        (Path(name) / "jobs" / "jobs.db").chmod(0o600)
        shut = as_nobody(Path(name) / "jobs")

    assert (readable["list"]["code"], readable["run"]["error"]) == (0, "store_read_only")
    assert readable["doctor"]["code"] in (1, 2)
    assert {told["error"] for words, told in shut.items() if words != "doctor"} == {"store_read_only"}
    assert all("jobs.db" in told["text"] and told["code"] == 2 for told in shut.values())


def as_nobody(directory: Path) -> dict[str, dict[str, Any]]:
    """Return what the program says to a user who may not write there."""
    outlast(directory, "doctor")  # what is imported on the way may not be readable for nobody
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            told = {
                words[0]: outlast(directory, *words) for words in (["list", "-a"], ["run", "--", "true"], ["doctor"])
            }
            answer = {
                word: {"code": each.code, "error": each.err and each.error["code"], "text": each.err + each.out}
                for word, each in told.items()
            }
            os.write(writer, json.dumps(answer).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        found: dict[str, dict[str, Any]] = json.loads(pipe.read())
    os.waitpid(child, 0)
    return found


VIEWS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "zeros": lambda raw: bytes(len(raw)),
    "cut": lambda raw: raw[: len(raw) // 2],
    "flipped": lambda raw: raw[:100] + bytes([raw[100] ^ 0x80]) + raw[101:],
    "list": lambda raw: b"[]",
    "null": lambda raw: b"null",
    "numbers": lambda raw: b'{"a": 1, "b": [2]}',
    "wrong types": lambda raw: b'{"a": {"status": 7, "completed_at": {}, "progress": "x", "labels": 3, "key": []}}',
    "UTF-16": lambda raw: raw.decode().encode("utf-16"),
    "BOM": lambda raw: b"\xef\xbb\xbf" + raw,
    "NaN": lambda raw: b'{"a": NaN}',
    "large": lambda raw: b'{"a": 1e999}',
    "digits": lambda raw: b'{"a": {"status": "failed", "attempts": ' + b"9" * 5_000 + b"}}",
    "beyond 2^63": lambda raw: b'{"a": {"status": "failed", "attempts": 99999999999999999999}}',
    "NUL": lambda raw: b'{"\\u0000": {"status": "failed", "error": "\\u0000"}}',
    "deep": lambda raw: b'{"a": ' * 100_000,
    "duplicates": lambda raw: b'{"a": {"status": "failed"}, "a": {"status": "completed"}}',
    "10 MB": lambda raw: b'{"a": {"status": "completed", "result": "' + b"x" * 10_000_000 + b'"}}',
}


@pytest.mark.parametrize("kind", VIEWS)
def test_a_damaged_view_harms_no_command_and_loses_nothing(patient: Patient, kind: str) -> None:
    with patient.with_store(patient.raw) as directory:
        view = directory / "jobs.json"
        view.write_bytes(VIEWS[kind](view.read_bytes()))
        for words in (["list", "-a", "--limit", "999"], ["show", next(iter(patient.jobs))], ["stats"]):
            assert outlast(directory, *words).code == 0
        assert outlast(directory, "doctor").code in (0, 1)
        assert outlast(directory, "doctor", "--repair").code in (0, 1)

        listed = outlast(directory, "list", "-a", "--limit", "999").object["jobs"]
        assert {job["job_id"] for job in listed} >= set(patient.jobs)
        view_check = [check for check in outlast(directory, "doctor").object["checks"] if check["name"] == "jobs.json"]
        assert [check["status"] for check in view_check] == [Level.OK]


def test_a_wal_that_was_deleted_after_a_death_is_noticed_by_what_the_view_shows(patient: Patient) -> None:
    with patient.with_store(patient.raw) as directory:
        if os.fork() == 0:
            store = SqliteStore(directory / "jobs.db")
            from tests.contract.making import submitted

            job = submitted(store, id="later")
            shown = job_object(job)["status"]
            ViewFile(store, directory / "jobs.json").write()
            os._exit(0 if shown == "queued" else 1)
        os.wait()
        (directory / "jobs.db-wal").unlink()

        checks = outlast(directory, "doctor").object["checks"]
        assert any("later" in check["message"] and check["status"] == "warning" for check in checks)

        outlast(directory, "doctor", "--repair")
        assert outlast(directory, "show", "later").object["error"] == "Job was interrupted by system shutdown"
