"""What goes with a job: its code as it is now, its settings as they were, and what is never stored."""

import json
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from outlast.core.status import Reason, Status
from outlast.core.view import job_object
from outlast.functions import as_function, home_of_this_process, with_policy
from tests.crash.work import fails, fails_at_once, number, shows_database_url, shows_environment, words
from tests.limits import hold_to
from tests.waiting import eventually
from tests.workshop import Workshop

SECRET = "postgresql://somebody:hidden@db.example/chain"


def outlast(*words: str) -> str:
    """Run the command line; return what it printed."""
    command = [sys.executable, "-m", "outlast", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_settings_are_those_of_the_submit_and_not_of_the_supervisor(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.start_supervisor()
    monkeypatch.setenv("OUTLAST_QUEUE_LIMITS", "mail=2")
    monkeypatch.setenv("TARGET_DIFFICULTY_START", "7")
    monkeypatch.setenv("OUTLAST_TOKEN", "hidden")
    monkeypatch.setenv("NOT_NAMED", "x")

    shown = workshop.submit(shows_environment).result(20)

    assert shown == {"OUTLAST_QUEUE_LIMITS": "mail=2", "TARGET_DIFFICULTY_START": "7"}


def test_a_setting_of_one_job_does_not_reach_the_next(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGET_DIFFICULTY_START", "7")
    first = workshop.submit(shows_environment).result(20)
    monkeypatch.delenv("TARGET_DIFFICULTY_START")

    second = workshop.submit(shows_environment).result(20)

    assert (first, second) == ({"TARGET_DIFFICULTY_START": "7"}, {})


def test_a_variable_that_is_named_goes_along(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop.start_supervisor()
    monkeypatch.setenv("MY_OWN", "value")
    monkeypatch.setenv("NOT_NAMED", "x")

    printed = outlast("submit", "tests.crash.work:shows_environment", "--env", "MY_OWN", "--wait", "--json")

    assert json.loads(printed)["result"] == {"MY_OWN": "value"}


def test_the_address_of_the_database_is_never_stored(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", SECRET)
    workshop.submit(shows_database_url).result(20)
    home = home_of_this_process()

    connection = apsw.Connection(str(workshop.places.store))
    stored = str(connection.execute("SELECT body FROM specs").fetchall())
    connection.close()

    assert "DATABASE_URL" not in home.env
    assert SECRET not in stored
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in workshop.root.rglob("jobs.json"))


def test_code_that_changed_on_disk_is_run_by_a_new_process(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "changing.py"
    text = "import os\n\ndef version():\n    return [{}, os.getpid()]\n"
    module.write_text(text.format(1))
    monkeypatch.syspath_prepend(str(tmp_path))
    import changing  # type: ignore[import-not-found]

    before = [workshop.submit(changing.version).result(20) for _ in range(2)]
    module.write_text(text.format(22))
    after = workshop.submit(changing.version).result(20)

    assert [value for value, _ in [*before, after]] == [1, 1, 22]
    assert before[0][1] == before[1][1] != after[1]


def test_a_retry_comes_when_its_time_has_come_whoever_supervises(workshop: Workshop, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    handle = workshop.submit(fails, str(notes))
    eventually(lambda: words(notes) == ["tried"], timeout=20)
    workshop.until(handle, Status.WAITING)
    workshop.kill_supervisor()
    workshop.start_supervisor()

    job = workshop.until_ended(handle)

    assert (job.status, job.reason, job.tries, job.crashes) == (Status.FAILED, Reason.ATTEMPTS_EXHAUSTED, 4, 0)
    events = workshop.details(handle).events
    ends = [event.at for event in events if event.event == "retrying"]
    starts = [event.at for event in events if event.event == "claimed"][1:]
    for end, start, (least, most) in zip(ends, starts, [(160, 240), (320, 480), (320, 480)], strict=True):
        assert start - end >= least
        hold_to((most + 1_500) / 1000, (start - end) / 1000)


def test_the_larger_priority_goes_first_then_the_earlier_job(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTLAST_CONCURRENCY", "1")
    monkeypatch.setenv("OUTLAST_AUTOSTART", "0")
    handles = [workshop.submit(number, value, priority=priority) for value, priority in enumerate([0, 5, -3, 5, 0])]

    workshop.start_supervisor()
    ended = [workshop.until_ended(handle) for handle in handles]

    started = sorted(range(len(ended)), key=lambda place: (ended[place].started_at or 0, -ended[place].priority))
    assert started == [1, 3, 0, 4, 2]


def test_the_published_view_equals_the_jobs(workshop: Workshop) -> None:
    handles = [workshop.submit(number, value, account="alice", labels={"n": str(value)}) for value in range(5)]
    failed = workshop.submit(fails_at_once, "why not", key="a key")
    ended = [workshop.until_ended(handle) for handle in [*handles, failed]]

    def published() -> bool:
        text = workshop.places.view.read_text(encoding="utf-8") if workshop.places.view.exists() else "{}"
        return bool(json.loads(text) == {job.id: job_object(workshop.service.get(job.id)) for job in ended})

    eventually(published, timeout=10, what="jobs.json to hold what is stored")

    assert json.loads(outlast("show", failed.id, "--json")) == json.loads(workshop.places.view.read_text())[failed.id]


@pytest.mark.parametrize("isolation", ["warm", "process"])
def test_a_supervisor_whose_log_cannot_be_written_runs_jobs(workshop: Workshop, isolation: str) -> None:
    """Neither the one that is started nor the processes that it starts need it."""
    workshop.places.supervisor_log.mkdir(parents=True)

    done = workshop.submit(with_policy(as_function(number), isolation=isolation), 1)

    assert done.result(20) == 1
    assert workshop.job(done).attempt == 1
