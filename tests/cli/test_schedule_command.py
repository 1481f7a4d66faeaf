"""`outlast schedule` as a person and a script use it."""

import json

import pytest

from outlast.clients.render.jobs import Screen
from outlast.clients.render.paint import Paint
from outlast.clients.render.schedules import schedule_list
from outlast.core.job import Job
from outlast.core.schedules import Schedule, Scheduled, make_timetable
from outlast.core.status import Status
from tests.cli.screens import check_screen
from tests.cli.shell import Shell
from tests.cli.test_completion import completed
from tests.cli.test_screens import HOME, NOW, job
from tests.waiting import eventually

MORE = """
from outlast import job

@job(schedule="30 2 * * *", timezone="Europe/Berlin", catch_up="all")
def nightly(name="x"):
    print("hello", name)
    return name
"""
VERBS = ("add", "list", "remove", "pause", "resume", "run-now")
KEYS = {"name", "rule", "words", "timezone", "catch_up", "overlap", "paused", "next", "kind", "target"}
KEYS |= {"account", "labels", "last_job", "skipped", "created_at"}


@pytest.fixture
def place(shell: Shell) -> Shell:
    """Return a shell with a function that has a schedule."""
    (shell.directory / "more.py").write_text(MORE, encoding="utf-8")
    return shell


def scheduled(name: str, rule: str, last: Job | None, **fields: object) -> tuple[Scheduled, Job | None]:
    zone, catch_up = str(fields.pop("zone", "Europe/Berlin")), str(fields.pop("catch_up", "once"))
    table = make_timetable(rule, timezone=zone, catch_up=catch_up)
    spec = job(1, "mirror", Status.QUEUED).spec._replace(home=HOME)
    args = json.dumps({"args": [], "kwargs": {"urls": ["https://example.org"]}})
    plain: dict[str, object] = {
        "schedule": Schedule(name=name, timetable=table, spec=spec, args=args, account="alice"),
        "paused": False,
        "next_at": table.next_time(NOW),
        "settled_to": NOW,
        "last_job_id": None if last is None else last.id,
        "skipped": 0,
        "created_at": NOW,
        "revision": 1,
    }
    return Scheduled(**{**plain, **fields}), last  # type: ignore[arg-type]


def test_the_screen_of_schedules() -> None:
    shown = [
        scheduled("daily:alice", "30 6 * * *", job(90, "mirror", Status.COMPLETED)),
        scheduled("every-minute", "* * * * *", job(5, "mirror", Status.RUNNING), skipped=5, zone="UTC"),
        scheduled("leap\x1b[31m-day", "0 12 29 2 *", None, catch_up="all", zone="Australia/Lord_Howe"),
        scheduled("paused", "0 9 * * MON-FRI", None, paused=True, catch_up="skip"),
        scheduled("gone", "0 0 1 1 *", None, next_at=None),
    ]

    lines = schedule_list(shown, Screen(width=80, now=NOW, paint=Paint()))

    check_screen("schedules", "\n".join(lines) + "\n")


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb(shell: Shell, verb: str) -> None:
    check_screen(f"help-schedule-{verb}", shell.outlast("schedule", verb, "-h", code=0).out)


def test_a_schedule_is_added_shown_paused_resumed_and_removed(place: Shell) -> None:
    added = place.outlast("schedule", "add", "jobs.py:hello", "30 6 * * *", "name=Ada", code=0)
    assert added.out.startswith("hello added, next ")

    [listed] = place.outlast("schedule", "list", "--json", code=0).object["schedules"]
    assert set(listed) == KEYS
    assert (listed["words"], len(listed["next"]), listed["paused"]) == ("at 06:30 every day", 5, False)
    assert "hello paused" in place.outlast("schedule", "pause", "hello", code=0).out
    assert "(paused)" in place.outlast("schedule", "list", code=0).out
    assert place.outlast("schedule", "resume", "hello", "--json", code=0).object["paused"] is False
    assert place.outlast("schedule", "remove", "hello", "helo", code=4).out == ""
    assert place.outlast("schedule", "remove", "hello", code=0).out == "hello removed\n"
    assert place.outlast("schedule", "list", code=0).err == "There are no schedules.\n"


def test_the_rule_of_the_decorator_is_used_and_may_be_replaced(place: Shell) -> None:
    first = place.outlast("schedule", "add", "more.py:nightly", "--json", code=0).object
    assert (first["rule"], first["timezone"]) == ("30 2 * * *", "Europe/Berlin")
    assert (first["catch_up"], first["overlap"]) == ("all", "queue")

    again = place.outlast("schedule", "add", "more.py:nightly", "@hourly", "--timezone", "UTC", code=0)
    assert again.out.startswith("nightly changed, next ")
    [listed] = place.outlast("schedule", "list", "--json", code=0).object["schedules"]
    assert (listed["rule"], listed["timezone"]) == ("0 * * * *", "UTC")


def test_a_command_has_a_schedule_too(place: Shell) -> None:
    place.outlast("schedule", "add", "0 3 * * SUN", "--name", "backup", "--", "ls", "-la", code=0)

    assert "ls -la" in place.outlast("schedule", "list", code=0).out


def test_the_zone_of_the_settings_is_the_default(place: Shell) -> None:
    said = place.outlast(
        "schedule", "add", "jobs.py:add", "@daily", "a=1", "--json", env={"OUTLAST_TIMEZONE": "Asia/Tokyo"}
    )

    assert said.object["timezone"] == "Asia/Tokyo"
    assert place.outlast("list", env={"OUTLAST_TIMEZONE": "Asia/Atlantis"}, code=2).err.startswith(
        "Error: OUTLAST_TIME"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["jobs.py:add", "61 * * * *", "a=1"], "'61' is no minute"),
        (["jobs.py:add", "@daily"], "missing a required argument"),
        (["jobs.py:add", "a=1"], "There is no rule"),
        (["jobs.py:add", "@daily", "a=1", "--timezone", "Mars/Base"], "no time zone"),
        (["jobs.py:add", "@daily", "a=1", "--catch-up", "all", "--overlap", "skip"], "Use overlap queue"),
        (["jobs.py:add", "@daily", "a=1", "--name", "a b"], "no name of a schedule"),
        ([], "Name what is to run"),
        (["jobs.py:add", "@daily", "--", "ls"], "one rule"),
        (["@daily", "--", "no-such-program"], "no-such-program"),
    ],
)
def test_what_cannot_be_a_schedule_is_told(place: Shell, words: list[str], says: str) -> None:
    assert says in place.outlast("schedule", "add", *words, code=2).err


def test_a_name_that_belongs_to_something_else_is_not_taken(place: Shell) -> None:
    place.outlast("schedule", "add", "jobs.py:hello", "@daily", "name=Ada", code=0)

    assert (
        "outlast schedule remove hello"
        in place.outlast("schedule", "add", "jobs.py:add", "@daily", "a=1", "--name", "hello", code=2).err
    )
    assert "other arguments" in place.outlast("schedule", "add", "jobs.py:hello", "@daily", "name=Bob", code=2).err
    named = ("schedule", "add", "jobs.py:hello", "@daily", "name=Bob", "--name", "hello")
    assert "hello changed" in place.outlast(*named, code=0).out


@pytest.mark.parametrize("verb", ["remove", "pause", "resume", "run-now"])
def test_an_unknown_name_is_told(place: Shell, verb: str) -> None:
    place.outlast("schedule", "add", "jobs.py:hello", "@daily", "name=Ada", code=0)

    assert place.outlast("schedule", verb, "nobody", "--json", code=4).error["code"] == "not_found"


def test_looking_creates_no_store(place: Shell) -> None:
    assert place.outlast("schedule", "list", "--json", code=0).object == {"schedules": []}
    assert not place.data_dir.exists()


def test_names_are_completed(place: Shell) -> None:
    place.outlast("schedule", "add", "jobs.py:hello", "@daily", "name=Ada", code=0)

    assert completed(place, "schedule", "pause", "") == [("hello", "hello 0 0 * * *")]
    assert completed(place, "schedule", "pause", "hello", "") == []


def test_a_job_of_the_schedule_runs_at_once(live: Shell) -> None:
    live.outlast("schedule", "add", "jobs.py:hello", "@yearly", "name=Ada", code=0)

    job_id = live.outlast("schedule", "run-now", "hello", code=0).id
    live.outlast("wait", job_id, code=0)

    [listed] = live.outlast("schedule", "list", "--json", code=0).object["schedules"]
    assert listed["last_job"] == {"job_id": job_id, "status": "completed"}
    assert live.outlast("list", "label.schedule:hello", "--json", code=0).object["jobs"][0]["job_id"] == job_id
    assert eventually(lambda: "hello Ada" in live.outlast("logs", job_id).out)
