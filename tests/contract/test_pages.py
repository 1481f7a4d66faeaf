"""Pages of jobs: every query, newest first, compared with a plain reading of the rules."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outlast.core.job import Event, Job
from outlast.core.ports import Supervision
from outlast.core.query import Field, Query, Term, parse_query
from outlast.core.status import Reason, Status
from tests.contract.making import Clock, Shop, end, ended, new_job, parked, running, stored, submitted

EVENT = Event(event="changed")


def ids(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


def found(store: Supervision, text: str) -> list[str]:
    return ids(store.page(parse_query(text), before=None, limit=100).jobs)


def furnish(store: Supervision, clock: Clock) -> list[Job]:
    """Fill a store with jobs that differ in everything a query can name; return them, newest first."""
    made = [
        ended(store, Status.FAILED, account="alice", labels={"env": "prod"}, key="k:1"),
        ended(store, kind="ping"),
        ended(store, Status.CANCELLED, account="bob"),
    ]
    job = running(store, kind="ping", queue="slow")
    end(store, job, Status.FAILED, error="TimeoutError: 100% of ÉTÉ_x\\")
    made.append(job)
    clock.move(3600)
    made += [
        submitted(store, account="alice", labels={"env": "dev", "odd'name": "ß"}),
        submitted(store, delay_seconds=5.0, kind="Ping2", key="key_x"),
        running(store, account="Alice"),
        ended(store, account="alice", queue="slow"),
    ]
    job = running(store)
    store.swap(job, parked(job, Reason.RETRY, None)._replace(error="OSError: timed out"), EVENT)
    made.append(job)
    clock.move(60)
    return [stored(store, job.id) for job in reversed(made)]


def fits(job: Job, query: Query, now: int) -> bool:
    """Say by the words of the contract whether a job matches."""
    if query.unfinished_or_since_seconds is not None and not (
        job.completed_at is None or job.created_at >= now - query.unfinished_or_since_seconds * 1000
    ):
        return False
    for term in query.terms:
        same = [t for t in query.terms if not t.negated and _side(t) == _side(term)]
        alternatives = [term] if term.negated or term.field is Field.WORD else same
        if any(holds(job, each, now) for each in alternatives) == term.negated:
            return False
    return True


def _side(term: Term) -> tuple[object, ...]:
    return (term.field, term.label, term.age and term.age.older)


def holds(job: Job, term: Term, now: int) -> bool:
    if term.age is not None:
        age = now - job.created_at
        return age > term.age.seconds * 1000 if term.age.older else age < term.age.seconds * 1000
    if term.field is Field.LABEL:
        return job.labels.get(term.label) == term.value
    if term.field is Field.ERROR:
        return term.value.casefold() in (job.error or "").casefold()
    if term.field is Field.WORD:
        texts = (job.id, job.kind, job.key, job.account, job.error)
        return any(term.value.casefold() in (text or "").casefold() for text in texts)
    plain = {
        Field.STATUS: job.status,
        Field.KIND: job.kind,
        Field.KEY: job.key,
        Field.ACCOUNT: job.account,
        Field.REASON: job.reason,
        Field.QUEUE: job.queue,
    }
    return plain[term.field] == term.value


QUERIES = [
    "",
    "status:failed",
    "status:failed status:queued",
    "-status:completed",
    "status:running kind:demo",
    "status:completed -status:completed",
    "kind:ping",
    "kind:ping kind:Ping2",
    "kind:nothing",
    "-kind:ping",
    "key:k:1",
    "-key:k:1",
    "account:alice",
    "account:alice account:bob status:failed",
    "-account:alice",
    "label.env:prod",
    "-label.env:prod",
    "label.env:prod label.env:dev",
    "label.odd'name:ß",
    "error:TIMEOUT",
    "error:été",
    'error:"100% of"',
    "error:%",
    "error:_",
    'error:"\\\\"',
    "-error:timeout",
    "reason:error",
    "reason:retry reason:user",
    "-reason:error",
    "queue:slow",
    "queue:slow -kind:ping",
    "age:<1h",
    "age:>1h",
    "age:>1m age:<2h",
    "-age:<1h",
    "age:<30m age:<2h",
    "ALICE",
    "alice slow",
    "ping demo",
    "-alice",
    "key_x",
    "keyxx",
    '"k:1"',
    "ÉTÉ",
    "status:failed error:value age:>30m -account:bob",
]


@pytest.mark.parametrize("text", QUERIES)
def test_a_query_finds_what_its_words_say(store: Supervision, clock: Clock, text: str) -> None:
    jobs = furnish(store, clock)

    expected = [job.id for job in jobs if fits(job, parse_query(text), clock())]

    assert found(store, text) == expected


@pytest.mark.parametrize("seconds", [0.0, 60.0, 61.0, 10_000.0])
@pytest.mark.parametrize("text", ["", "kind:ping", "account:alice", "status:failed"])
def test_the_default_list_is_unfinished_or_recent(store: Supervision, clock: Clock, seconds: float, text: str) -> None:
    jobs = furnish(store, clock)
    query = parse_query(text)._replace(unfinished_or_since_seconds=seconds)

    assert ids(store.page(query, before=None, limit=100).jobs) == [job.id for job in jobs if fits(job, query, clock())]


def test_every_query_of_the_table_can_find_something_or_nothing(store: Supervision, clock: Clock) -> None:
    furnish(store, clock)

    sizes = {len(found(store, text)) for text in QUERIES}

    assert len(sizes) > 5, "the table tests nothing if all queries find the same"


@pytest.mark.parametrize("text", ["", "status:failed", "kind:ping", "account:alice", "-kind:nothing"])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_pages_hold_every_job_once(store: Supervision, clock: Clock, text: str, limit: int) -> None:
    jobs = [job.id for job in furnish(store, clock) if fits(job, parse_query(text), clock())]
    seen: list[str] = []
    before: int | None = None
    while before is not None or not seen:
        page, before = store.page(parse_query(text), before=before, limit=limit)
        assert len(page) <= limit
        seen += ids(page)

    assert seen == jobs


def test_a_job_submitted_between_two_pages_moves_nothing(store: Supervision) -> None:
    jobs = [submitted(store) for _ in range(4)]
    first = store.page(Query(), before=None, limit=2).jobs

    submitted(store)

    second = store.page(Query(), before=first[-1].seq, limit=2).jobs
    assert ids(first + second) == ids(list(reversed(jobs)))


def test_a_job_of_the_wrong_time_is_still_found_by_its_age(store: Supervision, clock: Clock) -> None:
    clock.move(366 * 86400)
    of_the_future = submitted(store)
    clock.move(-366 * 86400)
    after = submitted(store)
    clock.move(10)

    assert found(store, "age:<1m") == [after.id, of_the_future.id]
    assert found(store, "age:>5s") == [after.id]


def test_more_kinds_than_branches_are_no_limit(store: Supervision) -> None:
    jobs = [ended(store, Status.FAILED, kind=f"kind{number}") for number in range(100)]

    assert found(store, "status:failed") == [job.id for job in reversed(jobs)]


VALUES: dict[Field, Sequence[str]] = {
    Field.STATUS: list(Status),
    Field.KIND: ["demo", "ping", "Ping2", "x"],
    Field.ACCOUNT: ["alice", "bob", "x"],
    Field.QUEUE: ["slow", "default"],
    Field.REASON: ["error", "retry", "time", "user"],
    Field.ERROR: ["time", "É", "%"],
    Field.KEY: ["k:1", "x"],
    Field.WORD: ["alice", "k", "é"],
}
TERMS = st.one_of(
    [
        st.builds(
            Term,
            field=st.just(field),
            value=st.sampled_from(values),
            negated=st.booleans(),
            label=st.just(""),
            age=st.none(),
        )
        for field, values in VALUES.items()
    ]
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(terms=st.lists(TERMS, max_size=4), since=st.sampled_from([None, 60.0]))
def test_any_query_finds_what_its_words_say(shop: Shop, terms: list[Term], since: float | None) -> None:
    if not shop.opened:
        furnish(shop.open(), shop.clock)
    store = shop.opened[0]
    query = Query(terms=tuple(terms), unfinished_or_since_seconds=since)

    everything = store.page(Query(), before=None, limit=100).jobs

    expected = [job.id for job in everything if fits(job, query, shop.clock())]
    assert ids(store.page(query, before=None, limit=100).jobs) == expected


@pytest.mark.parametrize(
    "text", ["nobody", "k77", "kind:ping k77", "status:failed k7", "-kind:ping k1234", "key:k4321"]
)
def test_a_rare_word_is_found_in_many_short_looks(store: Supervision, clock: Clock, text: str) -> None:
    jobs = [new_job(("ping", "pong", "rare")[n % 97 % 3], key=f"k{n}") for n in range(8_000)]
    store.submit(jobs)
    with store.batch():
        for n in range(0, 8_000, 3):
            job = stored(store, jobs[n].id)
            status, reason = [(Status.FAILED, Reason.ERROR), (Status.CANCELLED, Reason.USER)][n % 2]
            store.swap(job, job._replace(status=status, reason=reason), EVENT)
    query, before, looks = parse_query(text), None, 0
    seen: list[str] = []
    every = store.page(Query(), before=None, limit=9_999).jobs

    while before is not None or not looks:
        page, before = store.page(query, before=before, limit=50)
        seen += ids(page)
        looks += 1

    assert seen == [job.id for job in every if fits(job, query, clock())]
    assert looks <= 8 + len(seen) // 50
