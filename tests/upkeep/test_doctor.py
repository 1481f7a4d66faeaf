"""The doctor: each check finds what it is for, all of them make and change nothing, and none falls over."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from outlast.core.findings import Level, exit_code, worst
from outlast.engine.locks import SOMEBODY, holder_of
from outlast.storage.sqlite import SqliteStore, schema
from outlast.upkeep import of_disk, of_store, surroundings
from outlast.upkeep.doctor import CHECKS
from tests.contract.making import NOON, end, parked, running, spec, submitted
from tests.faults.fixtures import ROOT
from tests.upkeep.places import BROKEN, change, findings, furnished, holding, overwrite, settings_of, tree

OK, WARNING, PROBLEM = Level.OK, Level.WARNING, Level.PROBLEM


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a data directory that is well."""
    furnished(tmp_path / "jobs")
    return tmp_path / "jobs"


def test_a_sound_directory_has_nothing_to_find(place: Path) -> None:
    found = findings(place)

    assert list(found) == list(CHECKS)
    assert [finding for finding in found.values() if finding.level is not OK] == []
    assert exit_code(list(found.values())) == 0
    assert "10 jobs" in found["store"].says


def test_every_finding_is_a_sentence_that_names_its_mend(place: Path) -> None:
    overwrite(place / "jobs.db", 6)
    (place / "jobs.json").write_text("[")
    for finding in findings(place, {}).values():
        assert (
            finding.says[0].isupper() or finding.says[0] in "/0123456789" or finding.name in ("versions", "jobs.json")
        )
        assert finding.says.endswith(".")
        assert bool(finding.fix) == (finding.level is not OK), finding
        assert "\n" not in finding.says + finding.fix


def test_without_a_directory_all_is_well_and_none_is_made(tmp_path: Path) -> None:
    found = findings(tmp_path / "nowhere")

    assert worst(list(found.values())) is OK
    assert os.listdir(tmp_path) == []


def test_looking_changes_nothing(place: Path) -> None:
    before = tree(place)

    findings(place)

    assert tree(place) == before


@pytest.mark.parametrize("kind", BROKEN)
def test_a_store_that_cannot_be_used_is_told_and_left_as_it_is(place: Path, kind: str) -> None:
    path = place / "jobs.db"
    path.unlink()
    BROKEN[kind](path)
    before = tree(place)

    found = findings(place)

    assert found["store"].level is PROBLEM
    assert str(path) in found["store"].says
    assert exit_code(list(found.values())) == 2
    assert tree(place) == before


def test_a_store_that_died_in_use_is_looked_at_with_all_that_was_committed(place: Path) -> None:
    if os.fork() == 0:
        store = SqliteStore(place / "jobs.db")
        submitted(store, id="later")
        os._exit(0)
    os.wait()
    before = tree(place)

    found = findings(place)

    assert found["store"].level is OK
    assert "11 jobs" in found["store"].says
    # The WAL may have been moved into the file, as any command would do it.
    assert set(tree(place)) <= set(before)
    with closing(SqliteStore(place / "jobs.db")) as store:
        assert store.get("later") is not None


@pytest.mark.parametrize("content", [b"", None], ids=["empty", "missing"])
def test_a_store_that_is_gone_while_there_is_a_copy_is_a_problem(place: Path, content: bytes | None) -> None:
    (place / "jobs.db").unlink()
    if content is not None:
        (place / "jobs.db").write_bytes(content)

    found = findings(place)

    assert found["store"].level is PROBLEM
    assert "--repair" in found["store"].fix


ROWS = {
    "status": "UPDATE jobs SET status = 'sleeping' WHERE id = 'job3'",
    "reason": "UPDATE jobs SET reason = 'error' WHERE id = 'job3'",
    "end": "UPDATE jobs SET completed_at = NULL WHERE id = 'job3'",
    "spec": "UPDATE jobs SET spec_id = 99 WHERE id = 'job3'",
    "time": "UPDATE jobs SET started_at = 9000000000000000 WHERE id = 'job3'",
    "json": "UPDATE jobs SET result = '{' WHERE id = 'job3'",
    "text": "UPDATE jobs SET error = CAST(x'ff' AS TEXT) WHERE id = 'job3'",
    "step": "UPDATE steps SET result = 'x' WHERE n = 1",
    "orphan": "INSERT INTO checkpoints (seq, cursor) VALUES (7, '1')",
    "body": "UPDATE specs SET body = '{}'",
}


@pytest.mark.parametrize("kind", ROWS)
def test_a_row_that_cannot_be_right_is_damage(place: Path, kind: str) -> None:
    change(place / "jobs.db", ROWS[kind])

    found = findings(place)["store"]

    assert (found.level, found.unusable, found.mendable) == (PROBLEM, True, True)


def test_a_damaged_page_is_damage(place: Path) -> None:
    overwrite(place / "jobs.db", 6, 7)

    assert findings(place)["store"].unusable


def test_an_older_store_is_sound_and_not_migrated(tmp_path: Path) -> None:
    from tests.formats.test_stored import unpack

    unpack("schema-1/jobs.db.gz", tmp_path / "jobs.db")
    before = (tmp_path / "jobs.db").read_bytes()

    found = findings(tmp_path)

    assert "schema 1" in found["store"].says
    assert (tmp_path / "jobs.db").read_bytes() == before


def test_an_unsafe_library_is_a_problem(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_store, "_SAFE_SQLITE", (99, 0, 0))

    assert findings(place)["versions"].level is PROBLEM


@pytest.mark.parametrize("content", ["[", "", "[]", "null", '{"a": NaN}', "\udcff"], ids=range(6))
def test_a_damaged_view_is_told_and_left_as_it_is(place: Path, content: str) -> None:
    raw = content.encode("utf-8", "surrogateescape")
    (place / "jobs.json").write_bytes(raw)

    found = findings(place)["jobs.json"]

    assert (found.level, found.mendable) == (WARNING, True)
    assert (place / "jobs.json").read_bytes() == raw


def test_a_view_that_is_missing_or_behind_is_told(place: Path) -> None:
    with closing(SqliteStore(place / "jobs.db")) as store:
        submitted(store)
    assert "behind the store in 1 job" in findings(place)["jobs.json"].says

    (place / "jobs.json").unlink()

    assert "missing" in findings(place)["jobs.json"].says


def test_jobs_that_only_the_view_has_are_told(place: Path) -> None:
    shown = json.loads((place / "jobs.json").read_text())
    (place / "jobs.json").write_text(json.dumps({**shown, "lost_1": {"status": "completed"}}))

    found = findings(place)["jobs.json"]

    assert found.level is WARNING
    assert "1 job that the store does not have: lost_1" in found.says


def test_a_removed_job_is_not_taken_for_a_lost_one(place: Path) -> None:
    with closing(SqliteStore(place / "jobs.db")) as store:
        job = store.get("job3")
        assert job is not None
        store.remove(job, "me")

    assert "not have" not in findings(place)["jobs.json"].says


def test_a_damaged_backup_is_told(place: Path) -> None:
    overwrite(place / "backup" / "jobs.db", 6)

    assert findings(place)["backup"].level is WARNING


def test_an_old_backup_of_a_store_that_changes_is_told(place: Path) -> None:
    os.utime(place / "backup" / "jobs.db", (1, 1))
    assert findings(place)["backup"].level is OK  # nobody is there to make one

    with holding(place / "run" / "supervisor.lock"):
        assert findings(place)["backup"].level is WARNING


def test_a_change_of_the_future_is_told(place: Path) -> None:
    change(place / "jobs.db", f"UPDATE jobs SET updated_at = {round(time.time() * 1000) + 3_600_000} WHERE id = 'job1'")

    found = findings(place)["clock"]

    assert found.level is WARNING
    assert "1h ahead" in found.says or "59m" in found.says


def test_a_disk_that_is_nearly_full_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(place)["room"].level is OK
    monkeypatch.setattr(of_disk, "LEAST_BYTES", 2**60)

    assert findings(place)["room"].level is PROBLEM


def test_a_network_file_system_is_refused_in_words(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    number = of_disk.file_system_of(place)
    if number is None:
        pytest.skip("needs Linux")
    monkeypatch.setitem(of_disk.NETWORK, number, "NFS")

    found = findings(place)["file system"]

    assert found.level is PROBLEM
    assert "NFS, a network file system" in found.says


def test_files_that_others_can_write_are_told(place: Path) -> None:
    (place / "jobs.db").chmod(0o666)
    assert "jobs.db" in findings(place)["permissions"].says
    (place / "jobs.db").chmod(0o644)
    (place / "run").chmod(0o755)

    found = findings(place)["permissions"]

    assert (found.level, found.mendable) == (WARNING, True)


AS_NOBODY = """
import os, sys
from pathlib import Path
from tests.upkeep.places import findings
findings(Path(sys.argv[1]))  # nobody may not read what would be imported on the way
os.setgroups([]), os.setgid(65534), os.setuid(65534)
for name, found in findings(Path(sys.argv[1])).items():
    print(f"{name}|{found.level}|{found.says}")
"""


def test_a_store_that_may_not_be_read_is_told() -> None:
    if os.getuid() != 0:
        pytest.skip("needs root")
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        furnished(Path(name))
        (Path(name) / "jobs.db").chmod(0o600)
        before = tree(Path(name))
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, name], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert tree(Path(name)) == before
    assert done.returncode == 0, done.stderr
    found = {name: (level, says) for name, level, says in (line.split("|") for line in done.stdout.splitlines())}

    assert found["store"][0] == "problem"
    assert "permission denied" in found["store"][1]
    assert found["permissions"][0] == "problem"


def test_leftovers_of_killed_writers_are_told(place: Path) -> None:
    for name in (".jobs.json.aa.tmp", "backup/.jobs.db.bb.tmp", ".jobs.db.cc.tmp"):
        (place / name).touch()
        os.utime(place / name, (1, 1))

    found = findings(place)["leftovers"]

    assert (found.level, found.mendable) == (WARNING, True)
    assert "3 temporary files" in found.says


def test_work_without_a_supervisor_is_told(tmp_path: Path) -> None:
    furnished(tmp_path / "jobs", queued=2)

    assert "2 jobs wait" in findings(tmp_path / "jobs")["supervisor"].says
    with holding(tmp_path / "jobs" / "run" / "supervisor.lock") as pid:
        assert f"pid {pid}" in findings(tmp_path / "jobs")["supervisor"].says


def test_a_job_process_without_a_supervisor_is_told(place: Path) -> None:
    with holding(place / "run" / "p0123.lock") as pid:
        found = findings(place)["processes"]
        assert (found.level, str(pid) in found.says) == (WARNING, True)
        assert findings(place)["locks"].level is OK


def test_a_lock_without_its_process_is_told(place: Path) -> None:
    (place / "run" / "p0123.lock").touch()

    found = findings(place)["locks"]

    assert (found.level, found.mendable) == (WARNING, True)


def test_what_a_dead_job_has_left_running_is_told(place: Path) -> None:
    (place / "run" / "pdead.lock").touch()
    stray = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        env={**os.environ, "OUTLAST_PROCESS_ID": "pdead"},
    )
    with stray:
        found = findings(place)["processes"]
        assert stray.stdin is not None
        stray.stdin.close()

    assert found.level is PROBLEM
    assert str(stray.pid) in found.says


def test_running_jobs_without_a_process_are_told(place: Path) -> None:
    with closing(SqliteStore(place / "jobs.db", clock=lambda: NOON)) as store:
        running(store, id="dead")

    assert findings(place)["jobs"].level is WARNING
    with holding(place / "run" / "supervisor.lock") as pid:
        found = findings(place)["jobs"]
        assert (found.level, f"kill {pid}" in found.fix) == (PROBLEM, True)


def test_a_job_that_nothing_can_wake_is_told(place: Path) -> None:
    from outlast.core.job import Event
    from outlast.core.status import Reason

    with closing(SqliteStore(place / "jobs.db")) as store:
        job = running(store)
        store.swap(job, parked(job, Reason.CONDITION, None), Event(event="waiting"))

    assert "nothing that could ever wake" in findings(place)["jobs"].says


def test_a_queue_that_does_not_move_is_told(place: Path) -> None:
    with closing(SqliteStore(place / "jobs.db", clock=lambda: NOON)) as store:
        submitted(store)

    with holding(place / "run" / "supervisor.lock"):
        assert "runs nothing" in findings(place)["jobs"].says


def test_jobs_whose_code_is_gone_are_told(place: Path) -> None:
    with closing(SqliteStore(place / "jobs.db")) as store:
        submitted(store, spec=spec("gone"))

    assert "gone (1)" in findings(place)["code"].says


ENVIRONMENTS: dict[str, dict[str, str]] = {
    "flushes": {"LD_PRELOAD": "/usr/lib/libeatmydata.so"},
    "variables": {"OUTLAST_RETENSION": "1h"},
    "home": {"HOME": ""},
    "time zone": {"TZ": "Mars/Olympus"},
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_trap_in_the_environment_is_told(place: Path, name: str) -> None:
    found = findings(place, {"HOME": "/", **ENVIRONMENTS[name]})

    assert found[name].level is not OK
    assert [other.name for other in found.values() if other.level is not OK] == [name]


@pytest.mark.parametrize(
    ("variable", "guess"),
    [
        ("OUTLAST_RETENSION", "OUTLAST_RETENTION"),
        ("OUTLAST_CONCURENCY", "OUTLAST_CONCURRENCY"),
        ("JOB_DATA_DIR", "JOBS_DATA_DIR"),
        ("PERSIST_JOB", "PERSIST_JOBS"),
        ("OUTLAST_X", ""),
    ],
)
def test_a_variable_that_is_no_setting_is_guessed(place: Path, variable: str, guess: str) -> None:
    found = findings(place, {"HOME": "/", variable: "1"})["variables"]

    assert variable in found.says
    assert guess in found.says


@pytest.mark.parametrize(
    "name", ["JOBS", "JOBS_OF_MINE", "DATABASE_URI", "OUTLAST_PROCESS_ID", "OUTLAST_GRACE", "DANGER"]
)
def test_other_variables_are_nobodys_business(place: Path, name: str) -> None:
    assert findings(place, {"HOME": "/", name: "1"})["variables"].level is OK


@pytest.mark.parametrize("zone", ["Europe/Berlin", ":Europe/Berlin", "CET-1CEST", "UTC", ""])
def test_a_time_zone_that_is_one_is_well(place: Path, zone: str) -> None:
    assert findings(place, {"HOME": "/", "TZ": zone})["time zone"].level is OK


def test_a_point_for_tests_is_a_problem_in_daily_use(place: Path) -> None:
    assert findings(place, {"HOME": "/", "OUTLAST_CRASH_POINT": "x"})["variables"].level is PROBLEM


def test_few_open_files_are_told(place: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        found = findings(place)["limits"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert found.level is WARNING
    assert "ulimit -n" in found.fix


def test_a_login_that_ends_processes_is_told(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "logind.conf").write_text("[Login]\nKillUserProcesses=yes\n")
    monkeypatch.setattr(surroundings, "_LOGIND", (str(tmp_path / "logind.conf"),))
    monkeypatch.setattr(surroundings, "_CGROUP", str(tmp_path / "cgroup"))
    assert findings(place)["logout"].level is OK
    (tmp_path / "cgroup").write_text("0::/user.slice/user-1000.slice/session-2.scope\n")

    assert findings(place)["logout"].level is WARNING


def test_jobs_in_memory_are_looked_at_like_others(tmp_path: Path) -> None:
    from outlast.settings import load_settings
    from outlast.upkeep.doctor import examine

    settings = load_settings({"JOBS_DATA_DIR": str(tmp_path / "m"), "PERSIST_JOBS": "false"}, environ={}, cwd=tmp_path)

    assert worst(examine(settings, {"HOME": "/"})) is OK
    assert os.listdir(tmp_path) == []


def test_the_holder_of_a_lock_is_named_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder_of(path) is None
    path.touch()
    assert holder_of(path) is None

    with holding(path, byte=5) as pid:
        assert holder_of(path, start=0, length=5) is None
        assert holder_of(path) == holder_of(path, start=5, length=1) == pid != SOMEBODY


def test_a_busy_store_is_no_damage(place: Path) -> None:
    with closing(SqliteStore(place / "jobs.db")) as store, store.batch():
        end(store, running(store))
        found = findings(place)

    assert found["store"].level is OK
    assert found["versions"].says.endswith(f"schema {schema.VERSION}.")
    assert settings_of(place).data_dir == place
