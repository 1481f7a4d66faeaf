"""4. A cursor says how far inside a job is; progress says it to people."""

from pathlib import Path

from outlast import Context, job
from tests.tutorial.notebook import note, notes
from tests.waiting import eventually


@job(max_attempts=2, backoff="10ms")
def counts(ctx: Context, path: str) -> int:
    begin = ctx.cursor or 0
    note(path, f"from {begin}")
    for number in range(begin, 1_000):
        if number == 700 and ctx.attempt == 1:
            raise RuntimeError("lost count")
        ctx.checkpoint(number + 1)
    return begin


def test_a_job_begins_again_at_its_last_checkpoint(tmp_path: Path) -> None:
    assert counts.submit(str(tmp_path / "notes")).result(timeout=20) == 700
    assert notes(tmp_path / "notes") == ["from 0", "from 700"]


@job
def saves_now(ctx: Context, path: str) -> None:
    ctx.checkpoint({"page": 3}, done=3, total=10, message="page 3", partial=["a", "b", "c"], now=True)
    while not Path(path).exists():
        pass


def test_a_checkpoint_carries_progress_and_a_preview_of_the_result(tmp_path: Path) -> None:
    handle = saves_now.submit(str(tmp_path / "sign"))

    progress = eventually(lambda: handle.job().get("progress"), what="the progress")
    running = handle.job()
    (tmp_path / "sign").touch()

    assert progress.items() >= {"done": 3, "total": 10, "message": "page 3"}.items()
    assert (running["status"], running["result"]) == ("running", ["a", "b", "c"])
    assert handle.wait(timeout=20)["result"] is None


@job
def reports(ctx: Context) -> None:
    ctx.progress(0, 3, "begin")
    for done in (1, 2, 3):
        ctx.progress(done)
    ctx.progress(message="end")


def test_what_is_left_out_of_progress_stays_as_it_was_and_the_last_word_is_kept() -> None:
    progress = reports.submit().wait(timeout=20)["progress"]

    assert progress.items() >= {"done": 3, "total": 3, "message": "end"}.items()
