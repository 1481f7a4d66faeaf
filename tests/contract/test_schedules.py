"""Schedules: each due time once, whatever the clock does and whoever is killed."""

import pytest

from outlast.core.moments import from_iso, to_iso
from outlast.core.ports import Supervision
from outlast.core.query import parse_query
from outlast.core.schedules import Firing, Schedule, Scheduled, make_timetable
from outlast.engine.schedules import fire_due
from tests.contract.making import Clock, Shop, end, new_job, spec, stored

HOUR = 3_600
DAY = 24 * HOUR
YEAR = 365 * DAY
SIX = "30 6 * * *"


def schedule(
    name: str = "nightly", rule: str = SIX, *, zone: str = "UTC", kind: str = "demo", **rules: str
) -> Schedule:
    table = make_timetable(rule, timezone=zone, **rules)
    return Schedule(name=name, timetable=table, spec=spec(kind), args='{"args":[],"kwargs":{}}', actor="test")


def put(store: Supervision, each: Schedule) -> Scheduled:
    store.put_schedule(each, each.timetable.next_time(store.now()))
    return found(store, each.name)


def found(store: Supervision, name: str = "nightly") -> Scheduled:
    there = store.schedule(name)
    assert there is not None
    return there


def due_times(store: Supervision) -> list[str]:
    """Return the due times that have jobs, in the order in which these were submitted."""
    jobs = store.page(parse_query("label.schedule:nightly"), before=None, limit=2_000).jobs
    return [(job.key or "").removeprefix("schedule:nightly:")[:16] for job in reversed(jobs)]


def let_pass(store: Supervision, clock: Clock, seconds: float) -> list[str]:
    """Move the clock, do what is due, end the jobs, and return the due times that got one."""
    before = len(due_times(store))
    clock.move(seconds)
    fire_due(store, 10)
    end_all(store)
    return due_times(store)[before:]


def end_all(store: Supervision) -> None:
    with store.batch():
        for job in store.due(2_000):
            end(store, store.claim(job, "process-1"))


def test_a_schedule_is_kept_as_it_was_put(store: Supervision, shop: Shop) -> None:
    full = schedule(zone="Europe/Berlin", catch_up="all", overlap="queue")._replace(
        account="alice@example.org",
        labels={"env": "prod"},
        queue="night",
        priority=5,
    )

    assert store.put_schedule(full, 7) is True

    kept = found(shop.open())
    assert kept.schedule == full
    assert (kept.next_at, kept.paused, kept.last_job_id, kept.skipped) == (7, False, None, 0)
    assert kept.created_at == store.now()
    assert [each.schedule.name for each in store.schedules()] == ["nightly"]


def test_a_due_time_has_one_job_with_all_that_was_asked(store: Supervision, clock: Clock) -> None:
    put(store, schedule()._replace(account="alice", labels={"env": "prod"}, queue="night", priority=5))
    assert store.next_wake_seconds() == 18.5 * HOUR
    assert fire_due(store, 10) == 0

    clock.move(18.5 * HOUR)
    assert store.next_wake_seconds() == 0
    assert (fire_due(store, 10), fire_due(store, 10)) == (1, 0)

    [job] = store.page(parse_query(""), before=None, limit=9).jobs
    assert (job.key, job.account, job.queue, job.priority) == (
        "schedule:nightly:2025-01-02T06:30:00.000Z",
        "alice",
        "night",
        5,
    )
    assert (job.labels, job.actor) == ({"env": "prod", "schedule": "nightly"}, "schedule:nightly")
    assert found(store).last_job_id == job.id
    assert store.next_wake_seconds() == DAY


def test_a_schedule_is_work_until_it_is_paused(store: Supervision) -> None:
    put(store, schedule())
    assert store.has_work()

    assert store.pause_schedule("nightly")
    assert (store.has_work(), store.next_wake_seconds()) == (False, None)
    assert store.resume_schedule("nightly", 9_999_999_999_999)
    assert store.has_work()
    assert store.remove_schedule("nightly")
    assert not store.has_work()


def test_what_is_not_there_is_told(store: Supervision) -> None:
    assert store.schedule("nightly") is None
    assert not store.remove_schedule("nightly")
    assert not store.pause_schedule("nightly")
    assert not store.resume_schedule("nightly", None)


def test_an_unchanged_rule_keeps_its_next_time_and_a_changed_one_does_not(store: Supervision, clock: Clock) -> None:
    put(store, schedule())
    clock.move(DAY)

    again = put(store, schedule()._replace(account="bob"))
    assert (to_iso(again.next_at or 0)[:16], again.schedule.account) == ("2025-01-02T06:30", "bob")
    changed = put(store, schedule(rule="0 7 * * *"))
    assert to_iso(changed.next_at or 0)[:16] == "2025-01-03T07:00"


def test_a_paused_schedule_that_is_put_again_stays_paused(store: Supervision) -> None:
    put(store, schedule())
    store.pause_schedule("nightly")

    assert store.put_schedule(schedule(rule="0 7 * * *"), 1) is False
    assert found(store).paused
    assert store.due_schedules(10) == []


@pytest.mark.parametrize(
    ("catch_up", "made_up"),
    [
        ("skip", []),
        ("once", ["2025-01-05T06:30"]),
        ("all", ["2025-01-02T06:30", "2025-01-03T06:30", "2025-01-04T06:30", "2025-01-05T06:30"]),
    ],
)
def test_what_was_missed_is_made_up_as_the_schedule_says(
    store: Supervision, clock: Clock, catch_up: str, made_up: list[str]
) -> None:
    put(store, schedule(catch_up=catch_up))

    assert let_pass(store, clock, 4 * DAY) == made_up
    assert to_iso(found(store).next_at or 0)[:16] == "2025-01-06T06:30"


def test_a_minute_late_is_on_time_and_more_is_missed(store: Supervision, clock: Clock) -> None:
    put(store, schedule(catch_up="skip"))

    assert let_pass(store, clock, 18.5 * HOUR + 60) == ["2025-01-02T06:30"]
    assert let_pass(store, clock, DAY + 0.001) == []


@pytest.mark.parametrize(("catch_up", "most"), [("skip", 2), ("once", 1), ("all", 1_002)])
def test_a_clock_that_jumps_a_year_makes_no_flood(store: Supervision, clock: Clock, catch_up: str, most: int) -> None:
    put(store, schedule(rule="* * * * *", catch_up=catch_up))

    made_up = let_pass(store, clock, YEAR)

    assert 1 <= len(made_up) <= most
    assert made_up == sorted(made_up)
    assert catch_up != "all" or made_up[0] == "2025-01-01T12:01"
    assert made_up[-1] == "2026-01-01T12:00"
    assert let_pass(store, clock, 60) == ["2026-01-01T12:01"]


@pytest.mark.parametrize("catch_up", ["skip", "once", "all"])
@pytest.mark.parametrize("back", [1, 2 * DAY, 55 * YEAR])
def test_a_clock_that_goes_back_repeats_nothing(store: Supervision, clock: Clock, catch_up: str, back: float) -> None:
    put(store, schedule(catch_up=catch_up))
    for _ in range(4):
        let_pass(store, clock, DAY)
    done = due_times(store)

    clock.move(-back)
    for _ in range(4):
        let_pass(store, clock, DAY / 2)
    clock.move(back)
    let_pass(store, clock, 0)

    times = due_times(store)
    assert times[:4] == done
    assert len(times) == len(set(times))
    assert len(times) <= 4 + 3


def test_what_ran_is_not_repeated_after_it_was_pruned(store: Supervision, clock: Clock) -> None:
    put(store, schedule())
    for _ in range(4):
        let_pass(store, clock, DAY)
    store.prune(older_than_seconds=-1, limit=100)

    clock.move(-2 * DAY)
    fire_due(store, 10)
    let_pass(store, clock, DAY)

    assert due_times(store) == []


def test_after_a_wrong_year_was_put_right_a_schedule_goes_on(store: Supervision, clock: Clock) -> None:
    put(store, schedule())
    let_pass(store, clock, 10 * YEAR)

    assert let_pass(store, clock, -10 * YEAR) == []
    assert let_pass(store, clock, 18.5 * HOUR) == ["2025-01-02T06:30"]
    assert let_pass(store, clock, DAY) == ["2025-01-03T06:30"]


def test_a_schedule_put_while_the_clock_was_wrong_goes_on_too(store: Supervision, clock: Clock) -> None:
    clock.move(10 * YEAR)
    put(store, schedule())

    let_pass(store, clock, -10 * YEAR)
    assert let_pass(store, clock, 18.5 * HOUR) == ["2025-01-02T06:30"]


def test_while_the_previous_job_is_unfinished_a_due_time_is_skipped_and_said(store: Supervision, clock: Clock) -> None:
    put(store, schedule(overlap="skip"))
    clock.move(18.5 * HOUR)
    fire_due(store, 10)
    job = stored(store, found(store).last_job_id or "")
    for _ in range(3):
        clock.move(DAY)
        assert fire_due(store, 10) == 1

    assert due_times(store) == ["2025-01-02T06:30"]
    assert found(store).skipped == 3
    told = [event for event in store.details(job).events if event.event == "overlap skipped"]
    assert [event.detail for event in told] == [{"schedule": "nightly", "due": "2025-01-03T06:30:00.000Z"}]

    end_all(store)
    assert let_pass(store, clock, DAY) == ["2025-01-06T06:30"]
    assert found(store).skipped == 0


def test_overlaps_may_be_queued(store: Supervision, clock: Clock) -> None:
    put(store, schedule(overlap="queue"))
    clock.move(18.5 * HOUR)
    fire_due(store, 10)
    clock.move(DAY)
    fire_due(store, 10)

    assert due_times(store) == ["2025-01-02T06:30", "2025-01-03T06:30"]


def test_a_job_beside_the_due_times_counts_as_the_previous_one(store: Supervision, clock: Clock) -> None:
    put(store, schedule())
    answer = store.submit_scheduled("nightly", new_job(labels={"schedule": "nightly"}))
    clock.move(18.5 * HOUR)
    fire_due(store, 10)

    assert answer.created
    assert found(store).last_job_id == answer.job_id
    assert found(store).skipped == 1


def test_what_was_due_during_a_pause_is_not_made_up(store: Supervision, clock: Clock) -> None:
    each = put(store, schedule(catch_up="all"))
    store.pause_schedule("nightly")
    clock.move(3 * DAY)
    store.resume_schedule("nightly", each.schedule.timetable.next_time(store.now()))

    assert let_pass(store, clock, DAY) == ["2025-01-05T06:30"]


def test_a_schedule_that_changed_meanwhile_is_left_alone(store: Supervision, shop: Shop, clock: Clock) -> None:
    put(store, schedule())
    clock.move(18.5 * HOUR)
    [due] = store.due_schedules(10)
    shop.open().pause_schedule("nightly")

    assert store.fire_schedule(due, Firing(times=(due.next_at or 0,), next_at=None)) == []
    assert due_times(store) == []


def test_two_that_fire_at_once_make_one_job(store: Supervision, shop: Shop, clock: Clock) -> None:
    put(store, schedule())
    other = shop.open()
    clock.move(18.5 * HOUR)
    [one], [two] = store.due_schedules(10), other.due_schedules(10)
    firing = Firing(times=(one.next_at or 0,), next_at=from_iso("2025-01-03T06:30Z"))

    assert [len(store.fire_schedule(one, firing)), len(other.fire_schedule(two, firing))] == [1, 0]
    assert due_times(store) == ["2025-01-02T06:30"]


def test_a_due_time_whose_key_somebody_took_is_passed(store: Supervision, clock: Clock) -> None:
    put(store, schedule())
    store.submit([new_job(key="schedule:nightly:2025-01-02T06:30:00.000Z", args='{"args":[1],"kwargs":{}}')])
    clock.move(18.5 * HOUR)

    assert fire_due(store, 10) == 1
    assert due_times(store) == []
    assert let_pass(store, clock, DAY) == ["2025-01-03T06:30"]


def test_a_schedule_whose_zone_is_gone_holds_up_no_other(store: Supervision, clock: Clock) -> None:
    broken = schedule(name="broken")
    store.put_schedule(broken._replace(timetable=broken.timetable._replace(timezone="Europe/Atlantis")), store.now())
    put(store, schedule())
    clock.move(18.5 * HOUR)

    assert fire_due(store, 10) == 2
    assert due_times(store) == ["2025-01-02T06:30"]
    assert found(store, "broken").next_at is None
    assert store.next_wake_seconds() == DAY


def test_many_that_are_due_at_once_are_done_in_portions(store: Supervision, clock: Clock) -> None:
    for number in range(5):
        put(store, schedule(name=f"s{number}"))
    clock.move(18.5 * HOUR)

    assert [fire_due(store, 2) for _ in range(4)] == [2, 2, 1, 0]


def test_the_days_around_both_changes_of_the_clock(store: Supervision, clock: Clock) -> None:
    clock.at = from_iso("2025-03-28T12:00Z")
    put(store, schedule(rule="30 2 * * *", zone="Europe/Berlin"))
    for _ in range(4 * 24):
        let_pass(store, clock, HOUR)
    clock.at = from_iso("2025-10-25T10:00Z")
    let_pass(store, clock, 0)
    for _ in range(3 * 24):
        let_pass(store, clock, HOUR)

    assert due_times(store) == [
        "2025-03-29T01:30",
        "2025-03-30T01:00",
        "2025-03-31T00:30",
        "2025-04-01T00:30",
        "2025-10-25T00:30",
        "2025-10-26T00:30",
        "2025-10-27T01:30",
        "2025-10-28T01:30",
    ]
