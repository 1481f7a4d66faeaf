"""8. A job can be cancelled, paused, resumed and retried."""

from pathlib import Path

import pytest

from outlast import Context, Handle, JobCancelled, job
from outlast.core.errors import Conflict
from tests.tutorial.notebook import note, notes
from tests.waiting import eventually


@job
def works(ctx: Context, path: str) -> str:
    try:
        note(path, f"from {ctx.cursor}")
        while not Path(f"{path}.sign").exists():
            ctx.checkpoint("here")
    except JobCancelled:
        note(path, "asked to stop")
        raise
    return "done"


def started(path: Path) -> Handle:
    """Submit one and return it once it runs."""
    handle = works.submit(str(path))
    eventually(lambda: notes(path), what="the job to run")
    return handle


def until(handle: Handle, status: str) -> None:
    """Wait until the job has this status."""
    eventually(lambda: handle.status() == status, what=f"{handle.id} to be {status}")


def test_a_running_job_that_is_cancelled_may_clean_up(tmp_path: Path) -> None:
    handle = started(tmp_path / "notes")

    handle.cancel()

    with pytest.raises(JobCancelled, match=handle.id):
        handle.result(timeout=20)
    assert notes(tmp_path / "notes") == ["from None", "asked to stop"]
    assert handle.job()["reason"] == "user"


def test_a_job_that_has_not_begun_is_cancelled_at_once(tmp_path: Path) -> None:
    handle = works.submit(str(tmp_path / "notes"), delay="1h")

    assert handle.cancel()["status"] == "cancelled"
    assert handle.cancel()["status"] == "cancelled", "twice does no harm"
    assert notes(tmp_path / "notes") == []


def test_a_paused_job_goes_on_at_its_last_checkpoint(tmp_path: Path) -> None:
    handle = started(tmp_path / "notes")

    handle.pause()
    until(handle, "waiting")
    assert handle.job()["reason"] == "paused"
    (tmp_path / "notes.sign").touch()
    handle.resume()

    assert handle.result(timeout=20) == "done"
    assert notes(tmp_path / "notes") == ["from None", "asked to stop", "from here"]
    assert "tries" not in handle.job(), "a pause is not a try"


def test_only_a_paused_job_is_resumed(tmp_path: Path) -> None:
    handle = works.submit(str(tmp_path / "notes"), delay="1h")

    with pytest.raises(Conflict, match="not paused"):
        handle.resume()

    handle.cancel()


@job
def fails_without(ctx: Context, path: str) -> int:
    ctx.step("note", note, path, "step")
    if not Path(f"{path}.sign").exists():
        raise FileNotFoundError(path)
    return ctx.attempt


def test_a_failed_job_is_retried_under_the_same_id_and_keeps_its_steps(tmp_path: Path) -> None:
    handle = fails_without.submit(str(tmp_path / "notes"))
    assert handle.wait(timeout=20)["status"] == "failed"

    (tmp_path / "notes.sign").touch()
    handle.retry()

    assert handle.result(timeout=20) == 2
    assert notes(tmp_path / "notes") == ["step"]
    assert handle.job().keys().isdisjoint({"error", "reason"})


def test_a_completed_job_is_not_retried(tmp_path: Path) -> None:
    (tmp_path / "notes.sign").touch()
    handle = works.submit(str(tmp_path / "notes"))
    handle.wait(timeout=20)

    with pytest.raises(Conflict, match="only failed and cancelled"):
        handle.retry()
