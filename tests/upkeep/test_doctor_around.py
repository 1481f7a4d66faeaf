"""The doctor's checks of the disk, of processes and of the surroundings: each finds what it is for."""

import os
import resource
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import pytest

from outlast.core.findings import Level, worst
from outlast.engine.locks import SOMEBODY, holder_of
from outlast.storage.sqlite import SqliteStore, schema
from outlast.upkeep import of_disk, surroundings
from tests.contract.making import NOON, end, parked, running, spec, submitted
from tests.faults.fixtures import ROOT
from tests.upkeep.places import findings, furnished, holding, settings_of, tree

OK, WARNING, PROBLEM = Level.OK, Level.WARNING, Level.PROBLEM


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a data directory that is well."""
    furnished(tmp_path / "jobs")
    return tmp_path / "jobs"


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


LOOK = """
import sys
from pathlib import Path
from tests.upkeep.places import findings
for found in findings(Path(sys.argv[1])).values():
    print(found.name, found.level, sep="|")
"""


def test_a_disk_that_cannot_be_written_is_told_and_nothing_is_made(place: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root")
    mounts = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    before = tree(place)

    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mounts, str(place), sys.executable, "-c", LOOK, str(place)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = dict(line.split("|") for line in done.stdout.splitlines())
    assert {name for name, level in found.items() if level != "ok"} == {"permissions"}
    assert tree(place) == before


def test_a_full_disk_is_told_and_its_store_is_looked_at(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=True)
    try:
        furnished(disk / "jobs")
        with open(disk / "filler", "wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        found = findings(disk / "jobs")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)

    assert (found["room"].level, found["store"].level) == (PROBLEM, OK)


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
