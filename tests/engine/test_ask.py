"""A job asks: it gives its process back until it is answered, and nothing of this is lost or done twice."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from outlast import Context, Declined, job
from outlast.core.errors import Conflict, UsageError
from outlast.core.questions import open_questions
from outlast.core.status import Reason, Status
from tests import processes
from tests.crash.work import effect, words
from tests.waiting import eventually
from tests.workshop import Workshop

NUMBER = {"type": "integer", "minimum": 1}


@job
def asks(ctx: Context, path: str) -> dict[str, Any]:
    ctx.step("before", effect, path, "before")
    count = ctx.ask("How many?", NUMBER)
    names = ctx.ask_all({"first": ("First?", None), "last": ("Last?", None)})
    return {"count": count, **names, "after": ctx.step("after", effect, path, "after")}


@job
def goes_on_alone(ctx: Context) -> str:
    try:
        ctx.ask("Shall I?", {"type": "boolean"})
    except Declined:
        return "declined"
    return "answered"


@job
def asks_nonsense(ctx: Context) -> None:
    ctx.ask("How?", {"type": "no such type"})


def until_asked(workshop: Workshop, handle: Any, names: list[str]) -> None:
    eventually(
        lambda: [each.name for each in open_questions(workshop.job(handle))] == names,
        what=f"{handle.id} to ask {names}",
    )


def test_a_job_goes_on_where_it_asked(workshop: Workshop, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    handle = workshop.submit(asks, str(notes))
    until_asked(workshop, handle, ["1"])
    job = workshop.job(handle)
    assert (job.status, job.reason, job.wake_at) == (Status.WAITING, Reason.INPUT, None)

    for wrong in (0, "three", None, [1]):
        with pytest.raises(UsageError, match="does not fit"):
            workshop.service.answer(job, wrong)
    workshop.service.answer(job, 3)
    until_asked(workshop, handle, ["first", "last"])
    with pytest.raises(UsageError, match="asks several things"):
        workshop.service.answer(workshop.job(handle), "Ada")
    workshop.service.answer(workshop.job(handle), "Lovelace", question="last")
    with pytest.raises(Conflict, match="does not ask 'last'"):
        workshop.service.answer(workshop.job(handle), "again", question="last")
    workshop.service.answer(workshop.job(handle), "Ada")

    assert handle.result(20) == {"count": 3, "first": "Ada", "last": "Lovelace", "after": "after"}
    assert words(notes) == ["before", "after"]
    with pytest.raises(Conflict, match="asks nothing"):
        workshop.service.answer(workshop.job(handle), 4)


def test_a_declined_question_is_told_to_the_job(workshop: Workshop) -> None:
    handle = workshop.submit(goes_on_alone)
    until_asked(workshop, handle, ["1"])

    workshop.service.answer(workshop.job(handle), declined=True)

    assert handle.result(20) == "declined"


def test_a_schema_that_is_none_fails_where_it_is_asked(workshop: Workshop) -> None:
    handle = workshop.submit(asks_nonsense)

    assert "is no JSON schema" in (workshop.until_ended(handle).error or "")


def test_a_paused_job_keeps_its_question_and_its_answer(workshop: Workshop) -> None:
    handle = workshop.submit(goes_on_alone)
    until_asked(workshop, handle, ["1"])

    handle.pause()
    handle.resume()
    assert (workshop.job(handle).status, workshop.job(handle).reason) == (Status.WAITING, Reason.INPUT)
    handle.pause()
    workshop.service.answer(workshop.job(handle), True)
    assert workshop.job(handle).reason is Reason.PAUSED
    handle.resume()

    assert handle.result(20) == "answered"


def test_a_cancelled_and_retried_job_asks_again(workshop: Workshop) -> None:
    handle = workshop.submit(goes_on_alone)
    until_asked(workshop, handle, ["1"])

    handle.cancel()
    handle.retry()
    until_asked(workshop, handle, ["1"])
    workshop.service.answer(workshop.job(handle), True)

    assert handle.result(20) == "answered"


def test_whoever_dies_while_it_waits_nothing_is_lost(workshop: Workshop, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    handle = workshop.submit(asks, str(notes))
    until_asked(workshop, handle, ["1"])

    workshop.stop()
    again = Workshop(workshop.root)
    try:
        assert not processes.job_processes(workshop.root)
        again.service.answer(again.job(handle), 1)
        until_asked(again, handle, ["first", "last"])
        again.kill_supervisor()
        again.service.answer(again.job(handle), "a", question="first")
        again.service.answer(again.job(handle), "b", question="last")
        assert again.until_ended(handle).status is Status.COMPLETED
        assert words(notes) == ["before", "after"]
    finally:
        again.stop()


@pytest.mark.parametrize("moment", ["put_questions:begun", "put_questions:committed", "supervisor:committed"])
def test_a_supervisor_killed_as_a_job_asks_keeps_the_question(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    monkeypatch.setenv("OUTLAST_CRASH_POINT", moment)
    monkeypatch.setenv("OUTLAST_CRASH_ONCE", str(tmp_path / "struck"))

    handle = workshop.submit(goes_on_alone)
    eventually((tmp_path / "struck").exists, what=f"the supervisor to die at {moment}")

    def asks() -> bool:
        workshop.service.ensure()  # one that is dying may still take a ring
        return [each.name for each in open_questions(workshop.job(handle))] == ["1"]

    eventually(asks, timeout=20, what="the question")
    workshop.service.answer(workshop.job(handle), False)

    assert handle.result(20) == "answered"
    assert workshop.job(handle).crashes == 0


@pytest.mark.parametrize("moment", ["keep_answer:begun", "keep_answer:committed", "swap:begun", "swap:committed"])
def test_an_answer_is_given_or_not_wherever_who_answers_dies(workshop: Workshop, tmp_path: Path, moment: str) -> None:
    handle = workshop.submit(goes_on_alone)
    until_asked(workshop, handle, ["1"])
    struck = tmp_path / "struck"

    command = [sys.executable, "-m", "outlast", "answer", handle.id, "true"]
    environment = {**os.environ, "OUTLAST_CRASH_POINT": moment, "OUTLAST_CRASH_ONCE": str(struck)}
    first = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert first.returncode in (0, -9)
    if open_questions(workshop.job(handle)):
        subprocess.run(command, capture_output=True, timeout=60, check=True)

    assert handle.result(20) == "answered"
