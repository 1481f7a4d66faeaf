"""A supervisor belongs to nobody: the job process that had to start one does not take it along when it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from outlast import JobFunction
from outlast.core.status import Status
from tests.engine import offspring
from tests.waiting import eventually
from tests.workshop import Workshop


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTLAST_CONCURRENCY", "1")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Workshop]:
    """Return the workshop of another store."""
    place = Workshop(tmp_path / "elsewhere")
    yield place
    place.stop()


def test_jobs_behind_one_that_had_to_start_a_supervisor_run_as_well(workshop: Workshop, tmp_path: Path) -> None:
    go = tmp_path / "go"
    first = workshop.submit(offspring.saves_when_told, str(go))
    workshop.until(first, Status.RUNNING)
    second = workshop.submit(offspring.nothing)
    killed = workshop.kill_supervisor()

    go.touch()
    ended = [workshop.until_ended(handle) for handle in (first, second)]

    assert [job.status for job in ended] == [Status.COMPLETED, Status.COMPLETED]
    assert workshop.supervisor() != killed


@pytest.mark.parametrize(
    "fn",
    [offspring.submits_elsewhere, offspring.runs_a_program_that_submits_elsewhere],
    ids=["by-itself", "by-a-program"],
)
def test_a_job_of_another_store_goes_on_when_the_one_that_submitted_it_is_over(
    workshop: Workshop, elsewhere: Workshop, tmp_path: Path, fn: JobFunction[..., str]
) -> None:
    runs = tmp_path / "runs"

    job_id = workshop.submit(fn, str(elsewhere.root), str(runs)).result(20)
    job = elsewhere.until_ended(elsewhere.outlast.get(job_id))

    assert (job.status, job.attempt) == (Status.COMPLETED, 1)
    assert runs.read_text() == "x"


def test_a_cancel_spares_the_supervisor_that_the_job_started_elsewhere(
    workshop: Workshop, elsewhere: Workshop, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    handle = workshop.submit(offspring.submits_elsewhere_and_stays, str(elsewhere.root), str(runs))
    eventually(runs.exists, timeout=20, what="the other job")

    handle.cancel()
    workshop.until_ended(handle)

    jobs = elsewhere.outlast.list()["jobs"]
    ended = elsewhere.until_ended(elsewhere.outlast.get(jobs[0]["job_id"]))
    assert (ended.status, ended.attempt) == (Status.COMPLETED, 1)
