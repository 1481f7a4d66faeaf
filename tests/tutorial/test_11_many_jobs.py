"""11. Many jobs: submitted at once, listed in pages, counted, removed and pruned."""

import pytest

from outlast import Outlast, job
from outlast.core.errors import Conflict, NotFound, NotStorable, UsageError


@job
def adds(first: int, second: int = 0) -> int:
    return first + second


def test_many_are_submitted_in_one_transaction() -> None:
    handles = adds.submit_many([(1,), (1, 2), {"first": 5, "second": 5}])

    assert [handle.result(timeout=20) for handle in handles] == [1, 3, 10]


def test_if_one_of_them_is_wrong_none_is_stored(outlast: Outlast) -> None:
    before = outlast.count("kind:adds")

    with pytest.raises(NotStorable, match=r"call 1\.args\[0\] is nan"):
        adds.submit_many([(1,), (float("nan"),)])
    with pytest.raises(UsageError, match="is no call"):
        adds.submit_many([(1,), 2])

    assert outlast.count("kind:adds") == before


@job("many.times")
def named(number: int) -> int:
    return number


def test_lists_come_in_pages_newest_first(outlast: Outlast) -> None:
    ids = [handle.id for handle in named.submit_many([(number,) for number in range(5)])]

    first = outlast.list("kind:many.times", limit=3)
    second = outlast.list("kind:many.times", limit=3, cursor=first["next_cursor"])

    assert [found["job_id"] for page in (first, second) for found in page["jobs"]] == ids[::-1]
    assert second["next_cursor"] is None
    assert outlast.count("kind:many.times") == 5


def test_a_job_is_found_by_the_beginning_of_its_random_part(outlast: Outlast) -> None:
    handle = adds.submit(1)

    assert outlast.find(handle.id.rpartition("_")[2][:8]).id == handle.id
    with pytest.raises(NotFound, match="no job 'nobody'"):
        outlast.find("nobody")


def test_a_finished_job_can_be_removed_an_unfinished_one_cannot(outlast: Outlast) -> None:
    finished, unfinished = adds.submit(1), adds.submit(1, delay="1h")
    finished.wait(timeout=20)

    outlast.remove(finished.id)
    with pytest.raises(Conflict, match="is not finished"):
        outlast.remove(unfinished.id)

    with pytest.raises(NotFound, match=r"not there any more: completed at .*, removed at"):
        outlast.get(finished.id)
    assert unfinished.cancel()["status"] == "cancelled"


def test_pruning_removes_what_has_ended_long_enough_ago(outlast: Outlast) -> None:
    ended, coming = adds.submit(1), adds.submit(1, delay="1h")
    ended.wait(timeout=20)

    assert outlast.prune("1h") == 0
    assert outlast.prune(0) >= 1

    left = [found["job_id"] for found in outlast.list("kind:adds")["jobs"]]
    assert coming.id in left
    assert ended.id not in left
    coming.cancel()


def test_counts_of_everything(outlast: Outlast) -> None:
    adds.submit(1).wait(timeout=20)

    assert outlast.stats()["by_kind"]["adds"]["completed"] >= 1
