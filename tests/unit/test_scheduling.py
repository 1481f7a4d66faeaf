"""From `@job(schedule=…)` and `schedule()` to what is stored."""

from pathlib import Path

import pytest

from outlast import job
from outlast.core.errors import Conflict, OutlastError, UsageError
from outlast.engine.jobside import current
from outlast.scheduling import register_schedules, system_timezone
from tests.workshop import Workshop


@job(schedule="30 6 * * *", timezone="Europe/Berlin", catch_up="all")
def nightly(user: str = "x") -> str:
    return user


@job(schedule="@hourly")
def hourly() -> None: ...


@job
def plain() -> None: ...


@pytest.fixture
def still(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Return a workshop in which no supervisor is started."""
    monkeypatch.setenv("OUTLAST_AUTOSTART", "0")
    return workshop


def test_a_decorator_stores_nothing(still: Workshop, data_dir: Path) -> None:
    job(schedule="@daily")(plain.fn)

    assert not data_dir.exists()


def test_those_with_a_rule_are_registered_and_again_nothing_changes(still: Workshop) -> None:
    functions = (nightly, hourly, plain, plain.fn)

    assert register_schedules(still.service, functions, zone="Asia/Tokyo") == ["nightly", "hourly"]
    before = {found.schedule.name: found for found, _ in still.service.schedules()}
    register_schedules(still.service, functions, zone="Asia/Tokyo")
    after = {found.schedule.name: found for found, _ in still.service.schedules()}

    assert {name: found.next_at for name, found in after.items()} == {n: found.next_at for n, found in before.items()}
    zones = {name: found.schedule.timetable.timezone for name, found in after.items()}
    assert zones == {"nightly": "Europe/Berlin", "hourly": "Asia/Tokyo"}


def test_a_schedule_from_python(still: Workshop) -> None:
    made = still.outlast.schedule(nightly, "0 9 * * MON", name="ada", kwargs={"user": "Ada"}, labels={"env": "prod"})

    assert (made["name"], made["rule"], made["timezone"]) == ("ada", "0 9 * * MON", "Europe/Berlin")
    assert (made["catch_up"], made["overlap"], made["labels"]) == ("all", "queue", {"env": "prod"})
    assert still.outlast.pause_schedule("ada")["next"] == []
    assert len(still.outlast.resume_schedule("ada")["next"]) == 5
    assert still.outlast.run_schedule_now("ada").job()["labels"] == {"env": "prod", "schedule": "ada"}
    still.outlast.remove_schedule("ada")
    assert still.outlast.schedules() == []


def test_the_same_function_with_other_arguments_needs_a_name(still: Workshop) -> None:
    still.outlast.schedule(nightly, kwargs={"user": "Ada"})

    with pytest.raises(Conflict, match="other arguments"):
        still.outlast.schedule(nightly, kwargs={"user": "Bob"})
    with pytest.raises(Conflict, match="runs tests"):
        still.outlast.schedule(plain, "@daily", name="nightly")


@pytest.mark.parametrize(
    "rules",
    [
        {"schedule": "61 * * * *"},
        {"schedule": "@daily", "timezone": "Mars/Base"},
        {"schedule": "@daily", "catch_up": "twice"},
        {"schedule": "@daily", "overlap": "kill"},
        {"schedule": "@daily", "catch_up": "all", "overlap": "skip"},
        {"timezone": "UTC"},
        {"schedule": 5},
    ],
)
def test_rules_that_make_no_sense_are_refused_where_they_stand(rules: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        job(**rules)(plain.fn)  # type: ignore[call-overload]


def test_without_a_rule_there_is_no_schedule(still: Workshop) -> None:
    with pytest.raises(UsageError, match="no rule"):
        still.outlast.schedule(plain)


def test_a_running_job_is_told_that_schedules_are_not_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current, "channel", object())

    with pytest.raises(OutlastError, match="A running job"):
        nightly.schedule()


@pytest.mark.parametrize(("value", "expected"), [(":Europe/Berlin", "Europe/Berlin"), ("Asia/Tokyo", "Asia/Tokyo")])
def test_the_zone_of_the_system_is_a_name(monkeypatch: pytest.MonkeyPatch, value: str, expected: str) -> None:
    monkeypatch.setenv("TZ", value)

    assert system_timezone() == expected


def test_a_zone_that_has_no_name_is_looked_for_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CEST-2")

    assert system_timezone() != "CEST-2"
