"""Getting one job: by id, by what a person types, by who submitted it."""

import pytest

from outlast.core.job import Checkpoint, Event
from outlast.core.ports import Supervision
from outlast.core.status import Intent, Reason, Status
from tests.contract.making import (
    NOON,
    Clock,
    end,
    ended,
    new_job,
    parked,
    process,
    requeued,
    running,
    spec,
    step,
    stored,
    submitted,
)


def test_an_unknown_id_is_none(store: Supervision) -> None:
    assert store.get("demo_1_0000000000000000") is None


@pytest.mark.parametrize("text", ["", "\ud800", "\0", "'; drop table jobs", "x" * 100_000])
def test_a_hostile_text_finds_nothing(store: Supervision, text: str) -> None:
    submitted(store)

    assert store.get(text) is None
    assert store.find(text, 5) == []


def test_an_exact_id_is_found_first(store: Supervision) -> None:
    job = submitted(store)
    submitted(store, key=job.id)

    assert store.find(job.id, 5) == [job]


def test_an_exact_key_comes_before_the_random_part(store: Supervision) -> None:
    submitted(store, id="demo_1_abcdef0000000000")
    keyed = submitted(store, id="demo_1_1111111111111111", key="abcd")

    assert store.find("abcd", 5) == [keyed]


def test_first_characters_of_the_random_part_find_all_that_fit_newest_first(store: Supervision) -> None:
    first = submitted(store, id="demo_1_abcdef0000000000")
    second = submitted(store, id="other_1_abcd000000000000", spec=spec("other"))
    submitted(store, id="demo_1_0000abcd00000000")

    assert store.find("abcd", 5) == [second, first]
    assert store.find("abcdef", 5) == [first]
    assert store.find("abcd", 1) == [second]
    assert store.find("abcdef0000000000", 5) == [first]


@pytest.mark.parametrize("text", ["abc", "ABCD", "abcd_", "%%%%", "____", "????", "[a-f]bcd", "abcdef00000000000"])
def test_less_than_four_hex_digits_and_patterns_find_nothing(store: Supervision, text: str) -> None:
    submitted(store, id="demo_1_abcdef0000000000")

    assert store.find(text, 5) == []


def test_the_random_part_of_an_id_of_another_form_is_not_looked_at(store: Supervision) -> None:
    job = submitted(store, id="imported_abcdef0000000000")

    assert store.find("abcd", 5) == []
    assert store.find(job.id, 5) == [job]


def test_the_last_job_of_somebody_is_the_last_he_submitted(store: Supervision) -> None:
    submitted(store, actor="me")
    mine = submitted(store, actor="me")
    submitted(store, actor="you")

    assert store.last_of("me") == mine
    assert store.last_of("nobody") is None


def test_a_job_of_another_program_keeps_its_rules(store: Supervision) -> None:
    given = spec(
        max_attempts=5,
        timeout_seconds=7200.0,
        on_interrupt="fail",
        isolation="process",
        memory_limit_bytes=10**9,
        keep=True,
        on_end="https://example.org",
        retry_on=("builtins.OSError", "a.B"),
    )

    job = submitted(store, spec=given)

    assert stored(store, job.id).spec == given


def test_details_hold_all_the_rest(store: Supervision, clock: Clock) -> None:
    store.add_process(process("process-1"))
    job = running(store, actor="cli:me", args='{"args":[1],"kwargs":{}}')
    store.save_step(job.claim, step("one"))
    clock.move(1)
    store.save_step(job.claim, step("two", '{"x":2}'))
    store.save_checkpoint(job.claim, Checkpoint(cursor="5"))
    store.ask(job, Intent.PAUSE, "cli:you")

    details = store.details(job)

    assert (details.args, details.cursor, details.traceback) == ('{"args":[1],"kwargs":{}}', "5", None)
    assert [(each.name, each.result, each.attempt, each.saved_at) for each in details.steps] == [
        ("one", "1", 1, NOON),
        ("two", '{"x":2}', 1, NOON + 1000),
    ]
    assert [(event.event, event.actor, event.attempt, event.at) for event in details.events] == [
        ("submitted", "cli:me", 0, NOON),
        ("claimed", "", 1, NOON),
        ("pause asked", "cli:you", 1, NOON + 1000),
    ]
    assert details.events[1].detail == {"process": "process-1"}
    assert details.process == process("process-1")


def test_the_history_tells_from_where_a_later_attempt_goes_on(store: Supervision) -> None:
    job = running(store)
    store.save_checkpoint(job.claim, Checkpoint(cursor='"' + "x" * 1000 + '"'))
    store.swap(job, requeued(job), Event(event="crashed"))

    store.claim(stored(store, job.id), "process-2")

    assert [event.detail for event in store.details(job).events if event.event == "claimed"] == [
        {"process": "process-1"},
        {"process": "process-2", "cursor": '"' + "x" * 199},
    ]


def test_details_of_a_job_that_is_gone_are_empty(store: Supervision) -> None:
    job = ended(store)
    store.remove(job, "me")

    details = store.details(job)

    assert (details.args, details.steps, details.process) == ("", (), None)


def test_an_event_keeps_its_detail_and_what_the_caller_set(store: Supervision) -> None:
    job = running(store)
    event = Event(event="parked", actor="supervisor", attempt=9, at=NOON + 5, detail={"why": ["x", 1, None]})

    store.swap(job, parked(job, Reason.CONDITION, None), event)

    assert store.details(job).events[-1] == event


def test_a_job_that_parks_for_ever_keeps_a_bounded_history(store: Supervision) -> None:
    job = submitted(store)
    for _ in range(800):
        with store.batch():
            job = store.claim(stored(store, job.id), "process-1")
            store.swap(job, parked(job, Reason.TIME, store.now()), Event(event="waiting"))
            store.wake(1)

    events = store.details(stored(store, job.id)).events

    assert len(events) < 1300
    assert [event.attempt for event in events[-2:]] == [800, 800]


def test_the_process_of_a_job_is_only_shown_while_it_runs(store: Supervision) -> None:
    store.add_process(process("process-1"))
    job = running(store)
    end(store, job)

    assert store.details(stored(store, job.id)).process is None


def test_a_job_read_twice_is_equal(store: Supervision) -> None:
    job = new_job(labels={"a": "b"}, key="k")
    store.submit([job])

    assert store.get(job.id) == store.get(job.id)
    assert stored(store, job.id).status is Status.QUEUED
