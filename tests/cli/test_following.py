"""`follow`: progress, log, deaths and waits as they happen, of one job and of several."""

import signal

import pytest

from outlast.clients.cli.following import Pace
from outlast.clients.render.story.news import news_since
from outlast.clients.render.words import detail_words, now_words, state_words
from outlast.core.job import Progress
from outlast.core.status import Reason, Status
from tests.cli.shell import Shell
from tests.cli.stories import details, failed, polling, proof
from tests.cli.test_screens import MINUTE, NOW, job
from tests.waiting import eventually

DIES = """
import os
from outlast import Context, job

@job
def dies(ctx: Context, word="x"):
    print(word, "begins at", ctx.cursor)
    ctx.step("first", lambda: 1)
    ctx.checkpoint({"nonce": 5_000_000}, now=True)
    if ctx.attempt == 1:
        print("no newline at the end", end="", flush=True)
        os.kill(os.getpid(), 9)
    return word

@job
def waits(ctx: Context):
    ctx.wait(until=lambda: os.path.exists("go"), every=2.1, current_age=7, target_age=10)
"""


@pytest.fixture
def deadly(live: Shell) -> Shell:
    """Return a shell whose jobs die once."""
    (live.directory / "dies.py").write_text(DIES)
    return live


def test_a_death_is_told_and_from_where_the_job_goes_on(deadly: Shell) -> None:
    said = deadly.outlast("submit", "dies.py:dies", "--follow", code=0)

    lines = said.out.splitlines()
    [death] = [line for line in lines if "died after" in line]
    assert death.startswith("· Its process (")
    assert death.endswith("killed by SIGKILL. 1 step of it is kept.")
    assert "· It went on (attempt 2, 1 step kept, from nonce 5,000,000 on)." in lines
    assert "x begins at None" in lines
    assert "no newline at the end== attempt 2 ==" in said.out.replace("\n", "")
    assert said.out.endswith('result: "x"\n')


def test_several_jobs_are_told_apart(deadly: Shell) -> None:
    ids = [deadly.outlast("submit", "dies.py:dies", f"word=w{n}", code=0).id for n in range(2)]

    said = deadly.outlast("follow", *ids, code=0)

    for n, job_id in enumerate(ids):
        short = job_id.rpartition("_")[2][:8]
        assert f"[{short}] w{n} begins at" in said.out
        assert f"{job_id} completed after" in said.out


def test_several_jobs_with_json_are_a_stream_of_job_objects(deadly: Shell) -> None:
    ids = [deadly.outlast("submit", "jobs.py:add", f"a={n}", code=0).id for n in range(2)]

    said = deadly.outlast("follow", *ids, "--json", code=0)

    ended = {each["job_id"]: each["status"] for each in said.lines}
    assert ended == dict.fromkeys(ids, "completed")


def test_one_that_fails_makes_the_exit_code_1(deadly: Shell) -> None:
    ids = [deadly.outlast("submit", f"jobs.py:{name}", code=0).id for name in ("stumble", "count")]

    said = deadly.outlast("follow", *ids, code=1)

    assert "outlast explain" in said.err
    assert "· It failed after" in said.out or "failed (attempts_exhausted)" in said.out


def test_several_jobs_on_a_terminal_move_a_line_each(deadly: Shell) -> None:
    ids = [deadly.outlast("submit", "dies.py:dies", f"word=w{n}", code=0).id for n in range(2)]

    said = deadly.on_terminal("follow", *ids)

    assert said.code == 0
    assert all(f"{job_id} " in said.out for job_id in ids)
    assert said.out.rindex("\x1b[?25h") > said.out.rindex("\x1b[?25l")


def test_a_wait_is_told_with_what_it_is_for(deadly: Shell) -> None:
    job_id = deadly.outlast("submit", "dies.py:waits", code=0).id
    with deadly.started("follow", job_id) as process:
        assert process.stdout is not None
        seen = ""
        while "waiting" not in seen:
            seen = process.stdout.readline()
        (deadly.directory / "go").touch()
        rest = process.stdout.read()
        assert process.wait(20) == 0

    assert seen.startswith("waiting (condition)  ")
    assert seen.endswith("age 7 of 10\n")
    assert "died" not in rest
    assert "completed after" in rest


def test_ctrl_c_leaves_and_says_that_the_job_goes_on(live: Shell) -> None:
    job_id = live.outlast("submit", "jobs.py:until", "path=go", code=0).id
    with live.started("follow", job_id) as process:
        eventually(lambda: live.outlast("show", job_id, "--json").object["status"] == "running", what="the job to run")
        assert process.stdout is not None
        while "running" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)

    assert process.returncode == 130
    assert f"the work goes on: outlast follow {job_id.rpartition('_')[2][:8]}" in told
    (live.directory / "go").write_text("done")
    live.outlast("wait", job_id, code=0)


def test_following_in_vain_is_exit_5(live: Shell) -> None:
    ids = [live.outlast("submit", "jobs.py:until", f"path=go{n}", code=0).id for n in range(2)]

    said = live.outlast("follow", *ids, "--timeout", "300ms", "--json", code=5)

    assert said.error["code"] == "timeout"
    for n in range(2):
        (live.directory / f"go{n}").write_text("done")
    live.outlast("wait", *ids, code=0)


def test_where_nobody_will_come_it_is_said(shell: Shell) -> None:
    job_id = shell.outlast("submit", "jobs.py:add", "a=1", code=0).id

    said = shell.outlast("follow", job_id, "--timeout", "100ms", code=5)

    assert "outlast worker" in said.err
    assert said.out.startswith("queued")


def test_lines_about_progress_become_rarer_and_a_new_status_comes_soon() -> None:
    pace = Pace(0.0)
    printed = [now for now in range(3_600) if pace.allows("running", f"row {now}", now + 0.25)]

    assert len(printed) < 250
    assert printed[:5] == [0, 1, 2, 3, 4]
    assert printed[-1] - printed[-2] == 30
    assert not pace.allows("running", f"row {printed[-1]}", 4_000)
    assert pace.allows("waiting", "due", printed[-1] + 1.25)
    assert not pace.allows("running", "again", printed[-1] + 1.5)


def test_only_what_matters_is_news() -> None:
    told, history, _ = failed()
    news, seen = news_since(told, history, 0)
    assert [text.split()[0] for text in news] == ["Its", "It", "It", "It"]
    assert seen == len(history.events)
    assert news_since(told, history, seen) == ([], seen)

    waiting, polls, _ = polling()
    assert news_since(waiting, polls, 0)[0] == []

    found, steps, _ = proof()
    assert any("difficulty fell from 9 to 8" in text for text in news_since(found, steps, 0)[0])
    assert news_since(found, details(), 0)[0][0].startswith("The difficulty fell")


def test_how_a_job_stands_in_a_line() -> None:
    progress = Progress(done=620, total=1_000, message="page\t620", rate=1.25)
    runs = job(1, "mirror", Status.RUNNING, progress=progress)
    waits = job(
        1, "x", Status.WAITING, reason=Reason.TIME, wake_at=NOW + 90 * MINUTE, waiting_info={"blocks_remaining": 3}
    )

    assert now_words(runs, NOW) == "running 1m  62%, 620 of 1,000, 1.2/s, 5m 4s left  page\\t620"
    assert state_words(runs, None) == "running"
    assert now_words(waits, NOW) == "waiting (time)  in 1h 30m  3 blocks to go (about 15s)"
    assert now_words(waits, None) == now_words(waits, None)
    assert detail_words(job(1, "x", Status.WAITING, reason=Reason.TIME, wake_at=NOW), NOW) == "due now"
    assert detail_words(job(1, "x", Status.WAITING, reason=Reason.PAUSED, wake_at=NOW), NOW) == ""
