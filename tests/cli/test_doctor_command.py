"""`doctor`, `backup`, `export`, `import` as a person or a script uses them."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from outlast.clients.render.findings import findings_screen
from outlast.clients.render.jobs import Screen
from outlast.clients.render.paint import Paint
from outlast.core.findings import Finding, Level
from tests.cli.screens import check_screen
from tests.cli.shell import PROGRAM, Shell, ids_of
from tests.cli.test_screens import NOW, text
from tests.upkeep.places import BROKEN, overwrite

CLEAN = {"HOME": "/", "LD_PRELOAD": ""}
FINDINGS = [
    Finding(name="versions", level=Level.OK, says="outlast 0.1.0, Python 3.11.7, apsw 3.54.1.0 with SQLite 3.54.1."),
    Finding(
        name="jobs.json",
        level=Level.WARNING,
        says="/srv/a/rather/long/path/to/the/data/jobs/jobs.json is behind the store in 3 jobs.",
        fix="Run `outlast doctor --repair`.",
    ),
    Finding(
        name="store",
        level=Level.PROBLEM,
        says="/srv/data/jobs/jobs.db is damaged: \x1b[31mTree 7 page 7\nbtreeInitPage() returns error code 11.",
        fix="Run `outlast doctor --repair`, and if that does not help, look for a copy of the file somewhere else.",
    ),
]


def test_the_screen_of_an_examination() -> None:
    check_screen("doctor", text(findings_screen(FINDINGS, Screen(width=80, now=NOW, paint=Paint()))))


def test_a_sound_store_is_exit_0_and_nothing_is_made(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)
    shell.outlast("cancel", "@last")
    job_id = shell.outlast("list", "-a", "--json").object["jobs"][0]["job_id"]
    shell.outlast("cancel", job_id, code=0)
    before = sorted(shell.directory.rglob("*"))

    told = shell.outlast("doctor", "--json", env=CLEAN, code=0).object
    plain = shell.outlast("doctor", env=CLEAN, code=0)

    assert {check["status"] for check in told["checks"]} == {"ok"}
    assert plain.err == "All is well.\n"
    assert sorted(shell.directory.rglob("*")) == before


def test_without_a_store_all_is_well_and_copies_are_not_found(shell: Shell) -> None:
    shell.outlast("doctor", env=CLEAN, code=0)
    shell.outlast("doctor", "--repair", env=CLEAN, code=0)
    for command in ("backup", "export"):
        assert shell.outlast(command, "x", "--json", code=4).error["code"] == "not_found"

    assert not shell.data_dir.exists()
    assert not (shell.directory / "x").exists()


def test_what_waits_for_somebody_is_exit_1(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)

    told = shell.outlast("doctor", "--json", env=CLEAN, code=1).object

    assert told["status"] == "warning"
    assert [check["name"] for check in told["checks"] if check["status"] != "ok"] == ["supervisor"]


@pytest.mark.parametrize("kind", BROKEN)
def test_a_store_that_cannot_be_used_is_exit_2_for_every_command_that_needs_it(shell: Shell, kind: str) -> None:
    shell.data_dir.mkdir(parents=True)
    BROKEN[kind](shell.data_dir / "jobs.db")
    path = str(shell.data_dir / "jobs.db")

    shell.outlast("doctor", "--json", code=2)
    for words in (["backup", "x"], ["export", "x"], ["export", "-"], ["import", "jobs.py"], ["list"]):
        said = shell.outlast(*words, "--json", code=2)
        assert said.out == ""
        assert path in said.error["message"] or words[0] == "import"
        assert said.error["fix"]


def test_a_damaged_store_is_repaired(shell: Shell) -> None:
    ids = [shell.outlast("submit", "jobs.py:add", f"a={n}", "--key", "k" * 400 + str(n), code=0).id for n in range(20)]
    overwrite(shell.data_dir / "jobs.db", 1, 2, 3, *range(5, 40, 3))
    shell.outlast("list", code=2)

    said = shell.outlast("doctor", "--repair", env=CLEAN)

    assert said.code in (0, 1)
    assert "is kept as" in said.out
    assert "20 unfinished jobs have failed (interrupted)" in said.out
    listed = shell.outlast("list", "-a", "--limit", "99", "--json", code=0).object["jobs"]
    assert ids_of(listed) == ids[::-1]
    assert {job["error"] for job in listed} == {"Job was interrupted by system shutdown"}
    again = shell.outlast("doctor", "--repair", "--json", env=CLEAN, code=0).object
    assert again["repair"] == {"done": [], "kept": None}


def test_a_repair_is_refused_while_a_worker_lives(live: Shell) -> None:
    live.outlast("submit", "jobs.py:until", f"path={live.directory / 'go'}", code=0)
    with live.started("worker") as worker:
        live.outlast("follow", "@last", "--timeout", "1ms")
        said = live.outlast("doctor", "--repair", "--json", code=2)
        (live.directory / "go").write_text("")
        live.outlast("wait", "@last", "--timeout", "20s", code=0)
        worker.send_signal(signal.SIGTERM)
        worker.wait(20)

    assert said.error["code"] == "refused"
    assert "pid" in said.error["message"]


def test_a_backup_is_a_store(shell: Shell) -> None:
    job_id = shell.outlast("submit", "jobs.py:add", "a=1", code=0).id
    for _ in range(2):
        made = shell.outlast("backup", "copy.db", "--json", code=0).object
        assert (made["file"], made["jobs"]) == ("copy.db", 1)
    (shell.directory / "there").mkdir()
    os.rename(shell.directory / "copy.db", shell.directory / "there" / "jobs.db")

    assert shell.outlast("show", job_id, "--data-dir", "there", "--json", code=0).object["status"] == "queued"
    assert "1 job" in shell.outlast("backup", "again.db", code=0).out


@pytest.mark.parametrize(
    ("target", "word"),
    [
        ("data/jobs/jobs.db", "the store itself"),
        ("data/jobs/jobs.db-wal", "the store itself"),
        ("jobs.py", "not overwritten"),
        ("data", "is a directory"),
        ("nowhere/copy.db", "is no directory"),
        ("x" * 300, "x" * 200),
    ],
)
@pytest.mark.parametrize("command", ["backup", "export"])
def test_a_target_that_must_not_be_is_refused_and_left_alone(
    shell: Shell, command: str, target: str, word: str
) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)
    before = (shell.directory / "jobs.py").read_text()

    said = shell.outlast(command, target, "--json", code=2)

    assert word in said.error["message"] or (command == "export" and "not overwritten" in said.error["message"])
    assert (shell.directory / "jobs.py").read_text() == before
    shell.outlast("list", "--json", code=0)


def test_an_export_of_two_machines_meets_in_one_store(shell: Shell) -> None:
    here = shell.outlast("submit", "jobs.py:add", "a=1", "--key", "k", code=0).id
    there = shell.outlast("submit", "jobs.py:add", "a=2", "--key", "k", "--data-dir", "there", code=0).id
    shell.outlast("export", "jobs.jsonl", code=0)

    first = shell.outlast("import", "jobs.jsonl", "--data-dir", "there", "--json", code=0).object
    second = shell.outlast("import", "jobs.jsonl", "--data-dir", "there", "--json", code=0).object

    assert (first["imported"], first["interrupted"], first["keys_taken"], first["known"]) == (1, 1, 1, 0)
    assert (second["imported"], second["known"]) == (0, 1)
    listed = shell.outlast("list", "-a", "--data-dir", "there", "--json", code=0).object["jobs"]
    assert sorted(ids_of(listed)) == sorted([here, there])
    view = json.loads((shell.directory / "there" / "jobs.json").read_text())
    assert view[here]["reason"] == "interrupted"


def test_what_is_imported_to_be_resumed_runs(live: Shell) -> None:
    live.environment["OUTLAST_AUTOSTART"] = "0"
    job_id = live.outlast("submit", "jobs.py:add", "a=1", code=0).id
    live.outlast("export", "jobs.jsonl", code=0)
    del live.environment["OUTLAST_AUTOSTART"]
    live.environment["JOBS_DATA_DIR"] = str(live.data_dir.parent / "there")

    said = live.outlast("import", "jobs.jsonl", "--resume", code=0)

    assert "1 of them go on here" in said.out
    assert live.outlast("wait", job_id, "--timeout", "20s", "--json", code=0).object["result"] == 3
    live.outlast("worker", "--drain")
    from tests.workshop import Workshop

    Workshop(live.data_dir.parent / "there").stop()


def test_pipes_work_in_both_directions(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)

    said = shell.bash(
        "set -e; outlast export - | gzip > jobs.gz; zcat jobs.gz | outlast import - --data-dir one --json;"
        " outlast import <(zcat jobs.gz) --data-dir two --json; outlast export /dev/stdout > plain;"
        " outlast import plain --data-dir three --json; mkfifo silent; outlast import silent --data-dir four || echo $?"
    )

    assert [line["imported"] for line in map(json.loads, said.out.splitlines()[:2])] == [1, 1]
    assert json.loads(said.out.splitlines()[-2])["imported"] == 1
    assert said.out.splitlines()[-1] == "2"
    assert not (shell.directory / "four" / "jobs.db").exists() or "silent" in said.err


def test_what_a_link_leads_to_is_replaced_and_never_the_link(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)
    for command in ("export", "backup"):
        (shell.directory / command).symlink_to(f"real-{command}")
        for _ in range(2):
            shell.outlast(command, command, code=0)
        assert (shell.directory / command).is_symlink()
        assert (shell.directory / f"real-{command}").stat().st_size > 500
    before = os.readlink("/dev/stdout") if os.path.islink("/dev/stdout") else ""

    assert shell.outlast("backup", "/dev/stdout", code=2).out == ""
    assert shell.outlast("export", "/dev/stdout", code=0).out.count('"type":"job"') == 1

    assert (os.readlink("/dev/stdout") if os.path.islink("/dev/stdout") else "") == before


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1]", b'{"a": 1}', b"rubbish", bytes(100)])
def test_a_file_that_is_none_is_refused_in_two_lines(shell: Shell, content: bytes) -> None:
    (shell.directory / "file").write_bytes(content)

    said = shell.outlast("import", "file", code=2)

    assert len(said.err.splitlines()) == 2
    assert "file" in said.err
    assert shell.outlast("list", "-a", "--json", code=0).object["jobs"] == []


def test_old_jobs_that_will_be_pruned_are_told(shell: Shell) -> None:
    old = {"pow_1735732800000_9f2c41d07ab35e68": {"status": "completed", "completed_at": "2025-01-01T12:05:30.000Z"}}
    (shell.directory / "jobs.json").write_text(json.dumps(old))

    assert "will soon be pruned" in shell.outlast("import", "jobs.json", code=0).err
    assert "pruned" not in shell.outlast("import", "jobs.json", "--keep", "--data-dir", "kept", code=0).err


def test_an_export_to_a_full_disk_is_said_and_leaves_nothing(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)

    assert shell.outlast("export", "/dev/full", "--json", code=3).error["code"] == "store_full"
    assert shell.bash("outlast export - --json > /dev/full").error["code"] == "store_full"


def test_an_interrupted_export_leaves_the_file_before_it(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)
    shell.outlast("export", "jobs.jsonl", code=0)
    before = (shell.directory / "jobs.jsonl").read_bytes()
    shell.outlast("submit", "jobs.py:add", "a=2", code=0)

    killed = subprocess.run(
        [PROGRAM, "export", "jobs.jsonl"],
        cwd=shell.directory,
        env={**shell._environment(None), "OUTLAST_CRASH_POINT": "export:written"},
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL
    assert (shell.directory / "jobs.jsonl").read_bytes() == before
    shell.outlast("export", "jobs.jsonl", code=0)
    assert (shell.directory / "jobs.jsonl").read_bytes().count(b'"type":"job"') == 2
    assert Path(PROGRAM).exists()
