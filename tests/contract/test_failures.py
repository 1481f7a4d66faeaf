"""Groups of failures: what failed alike, among the jobs that are there and those that were removed."""

import pytest

from outlast.core.errorgroups import group_code
from outlast.core.job import Job
from outlast.core.ports import Supervision
from outlast.core.status import Status
from tests.contract.making import NOON, Clock, end, ended, requeued, running, stored, submitted

REFUSED = "OSError: refused by port #"


def failed(store: Supervision, error: str, **fields: object) -> Job:
    """Submit a job and let it fail with this error."""
    job = running(store, **fields)
    end(store, job, Status.FAILED, error=error)
    return stored(store, job.id)


def furnish(store: Supervision, clock: Clock) -> list[Job]:
    """Fail five jobs in two ways, an hour between them, and remove the first; return them, oldest first."""
    made = []
    for kind, error in (
        ("mail", "OSError: refused by port 25"),
        ("demo", "ValueError: no good"),
        ("mail", "OSError: refused by port 587"),
        ("demo", "OSError: refused by port 80"),
        ("mail", "OSError: refused by port 25"),
    ):
        made.append(failed(store, error, kind=kind))
        clock.move(3600)
    store.remove(made[0], "me")
    return made


def test_a_store_without_failures_has_no_groups(store: Supervision) -> None:
    ended(store)
    ended(store, Status.CANCELLED)
    submitted(store)

    assert store.failures(since_seconds=None, limit=10).groups == []
    assert store.failures(since_seconds=None, limit=10).total == 0
    assert store.failure(REFUSED, since_seconds=None) is None
    assert store.failure_names() == []
    assert store.failed_jobs(REFUSED, since_seconds=None, before=None, limit=9) == []


def test_failures_are_grouped_the_newest_first_with_removed_jobs_counted(store: Supervision, clock: Clock) -> None:
    jobs = furnish(store, clock)

    found = store.failures(since_seconds=None, limit=10)

    assert found.total == 2
    assert [group.group for group in found.groups] == [REFUSED, "ValueError: no good"]
    refused = found.groups[0]
    assert (refused.count, refused.kept, dict(refused.kinds)) == (4, 3, {"mail": 3, "demo": 1})
    assert (refused.oldest_at, refused.newest_at) == (NOON, NOON + 4 * 3_600_000)
    assert refused.example_id == jobs[4].id
    assert refused.code == group_code(REFUSED)
    assert sorted(store.failure_names()) == sorted(group.group for group in found.groups)


def test_one_group_is_what_the_list_shows_of_it(store: Supervision, clock: Clock) -> None:
    furnish(store, clock)

    for group in store.failures(since_seconds=None, limit=10).groups:
        assert store.failure(group.group, since_seconds=None) == group


def test_a_limit_takes_the_newest_groups_and_still_counts_all(store: Supervision, clock: Clock) -> None:
    furnish(store, clock)

    found = store.failures(since_seconds=None, limit=1)

    assert ([group.group for group in found.groups], found.total) == ([REFUSED], 2)


def test_since_leaves_out_what_failed_earlier(store: Supervision, clock: Clock) -> None:
    jobs = furnish(store, clock)

    [group] = store.failures(since_seconds=2.5 * 3600, limit=10).groups

    assert (group.count, group.oldest_at) == (2, NOON + 3 * 3_600_000)
    assert store.failure(REFUSED, since_seconds=2.5 * 3600) == group
    assert store.failure("ValueError: no good", since_seconds=60) is None
    young = store.failed_jobs(REFUSED, since_seconds=2.5 * 3600, before=None, limit=9)
    assert [job.id for job in young] == [jobs[4].id, jobs[3].id]


def test_a_group_of_removed_jobs_names_one_of_them(store: Supervision) -> None:
    job = failed(store, "exit code 3")
    store.remove(job, "me")

    [group] = store.failures(since_seconds=None, limit=10).groups

    assert (group.count, group.kept, group.example_id) == (1, 0, job.id)


def test_a_retried_job_is_in_no_group(store: Supervision) -> None:
    from outlast.core.job import Event

    job = failed(store, "exit code 3")
    store.swap(job, requeued(job), Event(event="retried"))

    assert store.failures(since_seconds=None, limit=10).groups == []


def test_a_failure_without_an_error_has_a_group_too(store: Supervision) -> None:
    job = failed(store, "")

    [group] = store.failures(since_seconds=None, limit=10).groups

    assert (group.group, group.example_id) == ("", job.id)
    assert [each.id for each in store.failed_jobs("", since_seconds=None, before=None, limit=9)] == [job.id]


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_pages_of_a_group_hold_every_job_once_also_of_one_moment(store: Supervision, limit: int) -> None:
    jobs = [failed(store, "exit code 3") for _ in range(5)]
    seen: list[str] = []
    before: tuple[int, int] | None = None
    while page := store.failed_jobs("exit code 3", since_seconds=None, before=before, limit=limit):
        assert len(page) <= limit
        seen += [job.id for job in page]
        before = (page[-1].completed_at or 0, page[-1].seq)

    assert seen == [job.id for job in reversed(jobs)]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_of_nothing_is_empty(store: Supervision, limit: int) -> None:
    failed(store, "exit code 3")

    assert store.failed_jobs("exit code 3", since_seconds=None, before=None, limit=limit) == []
