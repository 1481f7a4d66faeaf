"""Figures of the whole store: how much ended when, how long it took, what is waited for, who comes first."""

import pytest

from outlast.core.figures import Durations, Figures
from outlast.core.job import Event
from outlast.core.ports import Supervision
from outlast.core.query import parse_query
from outlast.core.status import Reason, Status
from tests.contract.making import NOON, Clock, end, ended, parked, process, running, submitted
from tests.contract.test_pages import QUERIES, fits, furnish

HOUR_MS = 3_600_000


def figures(store: Supervision, newest: int = 100) -> Figures:
    return store.figures(hours=3, days=2, newest=newest)


def test_the_spans_are_whole_hours_and_days_the_newest_last(store: Supervision, clock: Clock) -> None:
    clock.move(90)

    told = figures(store)

    assert [span.start for span in told.hours] == [NOON - 2 * HOUR_MS, NOON - HOUR_MS, NOON]
    assert [span.start for span in told.days] == [NOON - 36 * HOUR_MS, NOON - 12 * HOUR_MS]
    assert {span.ended for span in [*told.hours, *told.days]} == {0}


def test_every_end_counts_once_kept_removed_or_neither(store: Supervision, clock: Clock) -> None:
    ended(store)
    store.remove(ended(store, Status.FAILED), "me")
    ended(store, keep=True)
    clock.move(3600)
    ended(store, Status.CANCELLED)
    submitted(store)
    clock.move(86_400)
    ended(store)

    told = store.figures(hours=26, days=2, newest=1)

    counts = [(span.completed, span.failed, span.cancelled) for span in told.hours]
    assert counts[0] == (2, 1, 0)
    assert counts[1] == (0, 0, 1)
    assert counts[2:] == [(0, 0, 0)] * 23 + [(1, 0, 0)]
    assert [(span.completed, span.ended) for span in told.days] == [(2, 4), (1, 1)]


def test_durations_are_of_the_newest_completed_of_each_kind_removed_ones_too(store: Supervision, clock: Clock) -> None:
    for seconds in (99, 1, 2, 3):
        job = running(store)
        clock.move(seconds)
        end(store, job)
    store.prune(older_than_seconds=2, limit=9)
    ended(store, kind="ping")
    job = running(store, kind="bad")
    end(store, job, Status.FAILED)

    assert figures(store, newest=3).durations == [
        Durations(kind="demo", count=3, median_seconds=2.0, p95_seconds=3.0),
        Durations(kind="ping", count=1, median_seconds=0.0, p95_seconds=0.0),
    ]
    assert figures(store).durations[0] == Durations(kind="demo", count=4, median_seconds=2.0, p95_seconds=99.0)


def test_waiting_jobs_are_counted_by_reason(store: Supervision) -> None:
    submitted(store, delay_seconds=60.0)
    submitted(store, delay_seconds=5.0)
    job = running(store)
    store.swap(job, parked(job, Reason.PAUSED, None), Event(event="paused"))

    told = figures(store)

    assert dict(told.waiting) == {Reason.TIME: 2, Reason.PAUSED: 1}
    assert told.next_wake_at == NOON + 5_000
    assert told.store_bytes > 0


def test_an_empty_store_has_figures(store: Supervision) -> None:
    told = figures(store)

    assert (told.durations, dict(told.waiting), told.next_wake_at) == ([], {}, None)
    assert store.supervisor_since() is None


def test_the_supervisor_is_in_office_since_it_took_it(store: Supervision, clock: Clock) -> None:
    store.take_office(process("supervisor"))
    clock.move(60)

    assert store.supervisor_since() == NOON


def test_queued_jobs_know_how_many_come_before_them(store: Supervision, clock: Clock) -> None:
    first = submitted(store)
    second = submitted(store)
    clock.move(1)
    third = submitted(store, queue="other")
    urgent = submitted(store, priority=5)
    submitted(store, delay_seconds=60.0)
    running(store, priority=9)

    assert [store.ahead_of(job) for job in (urgent, first, second, third)] == [0, 1, 2, 3]
    assert [job.id for job in store.due(9)] == [job.id for job in (urgent, first, second, third)]


@pytest.mark.parametrize("text", QUERIES)
def test_a_count_is_the_number_of_jobs_that_a_query_finds(store: Supervision, clock: Clock, text: str) -> None:
    jobs = furnish(store, clock)

    assert store.count(parse_query(text)) == sum(fits(job, parse_query(text), clock()) for job in jobs)


def test_a_count_knows_recent_jobs_and_many_kinds(store: Supervision, clock: Clock) -> None:
    for number in range(100):
        ended(store, Status.FAILED, kind=f"kind{number}")
    clock.move(7_200)
    submitted(store)

    assert store.count(parse_query("status:failed")) == 100
    assert store.count(parse_query("")._replace(unfinished_or_since_seconds=3600.0)) == 1
