"""on_end: at its end a job is told of, at least once, by a job of its own that cannot be lost."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outlast.client import Handle
from outlast.core.job import Job
from outlast.core.query import parse_query
from outlast.core.status import Reason, Status
from outlast.core.view import job_object
from tests.crash.test_points import arm
from tests.engine.hostile import linger
from tests.engine.listening import Listener, completes, fails, large, listening, submits
from tests.waiting import eventually
from tests.workshop import Workshop


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as heard:
        yield heard


def calls(workshop: Workshop, query: str = "") -> list[Job]:
    """Return the jobs that call, the oldest first."""
    return list(workshop.service.matching(parse_query(f"kind:on_end {query}")))[::-1]


def ended_call(workshop: Workshop, handle: Handle) -> Job:
    """Return the one job that calls for this one, once it has ended."""

    def look() -> Job | None:
        found = calls(workshop, f"label.job:{handle.id}")
        return found[0] if found and found[0].status.is_end else None

    return eventually(look, timeout=20, what=f"the call for {handle.id}")


def first_failure(workshop: Workshop) -> str:
    """Return why the one call failed that waits for its second try."""

    def look() -> Job | None:
        found = calls(workshop)
        return found[0] if found and found[0].reason is Reason.RETRY else None

    call = eventually(look, timeout=20, what="a call that failed")
    return str(workshop.last(workshop.outlast.get(call.id), "retrying").detail["error"])


def to_file(path: Path) -> str:
    """Return a command that keeps what it is told."""
    return f'(echo "$OUTLAST_JOB_ID $OUTLAST_JOB_STATUS"; cat) >"{path}" && mv "{path}" "{path}.done"'


def told(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Return what the command was told in its environment and on stdin."""
    first, _, rest = path.with_name(f"{path.name}.done").read_text().partition("\n")
    return first.split(), json.loads(rest)


@pytest.mark.parametrize(("fn", "args"), [(completes, ({"n": [1, "ü"]},)), (fails, ())], ids=["completed", "failed"])
def test_a_command_gets_the_job_object_of_an_end(workshop: Workshop, tmp_path: Path, fn: Any, args: Any) -> None:
    handle = workshop.submit(fn, *args, on_end=to_file(tmp_path / "end"), account="alice", queue="mail")
    call = ended_call(workshop, handle)

    job = workshop.job(handle)
    assert told(tmp_path / "end") == ([handle.id, str(job.status)], job_object(job))
    assert (call.status, call.result) == (Status.COMPLETED, '{"exit_code":0}')
    assert (call.queue, call.account) == ("mail", "alice")
    assert call.labels == {"job": handle.id, "status": str(job.status)}
    assert len(calls(workshop)) == 1, "a call is not followed by another one"


def test_a_client_that_cancels_a_waiting_job_leaves_the_call_to_a_supervisor(
    workshop: Workshop, tmp_path: Path
) -> None:
    handle = workshop.submit(completes, 1, delay="1h", on_end=to_file(tmp_path / "end"))

    handle.cancel()

    assert ended_call(workshop, handle).status is Status.COMPLETED
    assert told(tmp_path / "end")[0] == [handle.id, "cancelled"]


def test_a_cancelled_run_is_told_of_when_it_is_dead(workshop: Workshop, tmp_path: Path) -> None:
    handle = workshop.submit(linger, str(tmp_path / "never"), on_end=to_file(tmp_path / "end"))
    workshop.until(handle, Status.RUNNING)

    handle.cancel()

    assert ended_call(workshop, handle).status is Status.COMPLETED
    assert told(tmp_path / "end")[1]["reason"] == "user"


def test_a_url_gets_a_post_and_the_same_key_when_it_is_tried_again(workshop: Workshop, listener: Listener) -> None:
    listener.answers = [503]
    handle = workshop.submit(completes, 5, on_end=listener.url)

    call = ended_call(workshop, handle)

    assert [key for key, _ in listener.heard] == [call.id] * 2
    assert [body for _, body in listener.heard] == [job_object(workshop.job(handle))] * 2
    assert (call.status, call.tries, call.result) == (Status.COMPLETED, 1, '{"http_status":200}')


def test_a_redirect_is_not_followed(workshop: Workshop, listener: Listener) -> None:
    listener.answers = [307]
    handle = workshop.submit(completes, 5, on_end=listener.url)

    assert first_failure(workshop) == "HTTP 307 Temporary Redirect"
    assert len(listener.heard) == 1
    assert handle.status() == "completed"


def test_a_large_result_is_told_by_its_size_and_digest(workshop: Workshop, tmp_path: Path) -> None:
    handle = workshop.submit(large, on_end=to_file(tmp_path / "end"))

    ended_call(workshop, handle)

    result = told(tmp_path / "end")[1]["result"]
    assert (result["bytes"], len(result["sha256"])) == (100_002, 64)
    assert result["read_with"] == f"outlast show {handle.id} --json"


def test_the_setting_holds_for_jobs_that_say_nothing_also_for_those_that_a_job_submits(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTLAST_ON_END", f'cat >>"{tmp_path}/ends"')
    parent = workshop.submit(submits, 1)
    silent = workshop.submit(completes, 2, on_end="")
    child = workshop.outlast.get(parent.result(timeout=20))

    ended_call(workshop, parent)
    ended_call(workshop, child)

    assert silent.result(timeout=20) == 2
    assert {call.labels["job"] for call in calls(workshop)} == {parent.id, child.id}


def test_a_command_that_fails_is_tried_again_and_its_directory_may_be_gone(workshop: Workshop, tmp_path: Path) -> None:
    place = tmp_path / "gone"
    place.mkdir()
    script = (
        "import sys, os; from outlast import Outlast; from tests.engine.listening import completes;"
        "os.chdir(sys.argv[1]); print(Outlast(sys.argv[2]).submit(completes, 1, on_end=sys.argv[3]).id)"
    )
    on_end = f'[ -e "{tmp_path}/second" ] || {{ touch "{tmp_path}/second"; exit 3; }}; pwd >"{tmp_path}/where"'
    command = [sys.executable, "-c", script, str(place), str(workshop.root), on_end]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    handle = workshop.outlast.get(done.stdout.strip())
    workshop.until_ended(handle)
    place.rmdir()

    call = ended_call(workshop, handle)

    assert (call.status, call.tries) == (Status.COMPLETED, 1)
    assert (tmp_path / "where").read_text() == "/\n"


@pytest.mark.parametrize("point", ["swap:begun", "swap:committed", "supervisor:committed"])
def test_a_supervisor_that_dies_as_the_job_ends_leaves_exactly_one_call(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    sign, once, ends = tmp_path / "sign", tmp_path / "struck", tmp_path / "ends"
    handle = workshop.submit(linger, str(sign), on_end=f'cat >>"{ends}"')
    workshop.until(handle, Status.RUNNING)
    workshop.kill_supervisor()
    arm(monkeypatch, point, once)
    workshop.__dict__.pop("settings")
    workshop.start_supervisor()

    sign.touch()
    assert handle.result(timeout=20) == "stayed"
    eventually(once.exists, what="the supervisor to die")

    assert ended_call(workshop, handle).status is Status.COMPLETED
    assert len(calls(workshop)) == 1
    assert json.loads(ends.read_text())["job_id"] == handle.id


def test_a_call_that_was_made_and_not_noted_is_made_again_with_the_same_key(
    workshop: Workshop, listener: Listener
) -> None:
    listener.may_answer.clear()
    handle = workshop.submit(completes, 1, on_end=listener.url)
    eventually(lambda: listener.heard, timeout=20, what="the first call")
    found = workshop.outlast.get(calls(workshop)[0].id)

    workshop.kill(workshop.process_of(found))
    listener.may_answer.set()

    call = ended_call(workshop, handle)
    assert (call.status, call.attempt, call.tries) == (Status.COMPLETED, 2, 0)
    assert [key for key, _ in listener.heard] == [call.id] * 2


def test_a_call_that_nobody_answers_says_so_and_is_tried_again(workshop: Workshop) -> None:
    workshop.submit(completes, 1, on_end="http://127.0.0.1:9/")

    assert first_failure(workshop) == "127.0.0.1:9: [Errno 111] Connection refused"
