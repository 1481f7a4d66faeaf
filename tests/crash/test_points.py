"""Every named crash point of a running system: the process it lives in is killed there once, and all goes on."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from outlast.core.status import Status
from tests.crash.test_repairs import POINTS as REPAIR_POINTS
from tests.crash.work import everything, number, three_steps, words
from tests.waiting import eventually
from tests.workshop import Workshop

SOURCE = Path(__file__).resolve().parents[2] / "src" / "outlast"
WRITES = (
    "take_office",
    "add_process",
    "claim",
    "wake",
    "save_step",
    "save_checkpoint",
    "swap",
    "drop_process",
    "mark_read",
)
OF_SUPERVISOR = (
    "supervisor:in_office",
    "supervisor:committed",
    "replace_file:written",
    "replace_file:flushed",
    "replace_file:renamed",
    "backup:copied",
    "backup:checked",
    "backup:renamed",
    *(f"{write}:{moment}" for write in WRITES for moment in ("begun", "committed")),
)
OF_FORK_SERVER = ("fork:forked",)
"""tests/crash/test_unreported_forks.py strikes it."""
OF_SEARCH = ("keep_code:written",)
"""tests/pow/test_kept_code.py strikes it."""
OF_SENDING = (
    *(f"broadcast:{moment}" for moment in ("noted", "numbered", "called", "committed", "answered")),
    *(f"pow:{moment}" for moment in ("noted", "sent", "delivered")),
    "exchange:sent",
)
"""tests/pow/test_pow_delivery.py strikes them."""
OF_CHECKLISTS = (
    *("journal:written", "journal:flushed", "sheet:written", "sheet:renamed"),
    *("settle:journal", "settle:json", "undo:flushed"),
)
"""tests/jobstate/test_model.py strikes the first four, test_strikes.py every call that lies between all of them."""
OF_CLIENT = ("submit", "swap", "ask", "remove", "replace_cursor")
ELSEWHERE = {
    "leave_office": "test_coming_and_going.py kills a supervisor on its way out",
    "fire_schedule": "test_schedules.py kills supervisors there",
    **dict.fromkeys(
        ("put_schedule", "remove_schedule", "pause_schedule", "resume_schedule", "submit_scheduled"),
        "one statement each, in a transaction like any other: contract/test_crash_points.py",
    ),
    "read_gauge": "test_pow_chain.py strikes supervisors of searches that wait",
    "put_questions": "tests/engine/test_ask.py kills supervisors there",
    "keep_answer": "tests/engine/test_ask.py kills there who answers",
    "hold": "one statement, in a transaction like any other: contract/test_questions.py",
    "prune": "the tests of the command line and of retention",
    "forget": "the tests of retention",
    "import_jobs": "tests/contract/test_crash_points.py",
}
AFTER_THE_END = ("drop_process", "mark_read", "replace_file")
"""Only another job shows that all goes on after these."""
RESULT = {"steps": ["first", "second"], "cursor": {"at": 1}}


def arm(monkeypatch: pytest.MonkeyPatch, point: str, once: Path) -> None:
    """Arm a point for the programs that are started from now on; this process read its own at import."""
    monkeypatch.setenv("OUTLAST_CRASH_POINT", point)
    monkeypatch.setenv("OUTLAST_CRASH_ONCE", str(once))


def test_every_point_of_the_source_is_struck_somewhere() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    named = set(re.findall(r'crash_point\("([a-z_:]+)"\)', text))
    writes = set(re.findall(r'\.write\("([a-z_]+)"\)', text))

    struck = {*OF_SUPERVISOR, *OF_FORK_SERVER, "job:begun", *OF_SEARCH, *OF_SENDING, *OF_CHECKLISTS, "export:written"}
    struck |= {f"repair:{moment}" for moment in REPAIR_POINTS}

    assert named <= struck
    assert writes <= {*WRITES, *OF_CLIENT, *ELSEWHERE}


@pytest.mark.parametrize("point", OF_SUPERVISOR)
def test_a_supervisor_killed_at_a_point_loses_and_repeats_nothing(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    notes, once = tmp_path / "notes", tmp_path / "struck"
    arm(monkeypatch, point, once)

    handle = workshop.submit(everything, str(notes), delay=0.1)
    result = handle.result(20)
    eventually(once.exists, what=f"somebody to die at {point}")

    assert result == RESULT
    assert point.partition(":")[0] not in AFTER_THE_END or workshop.submit(number, 7).result(20) == 7
    assert words(notes) == ["first", "second"]
    assert workshop.job(handle).crashes == 0


def test_a_job_process_killed_as_its_job_begins_is_replaced(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes, once = tmp_path / "notes", tmp_path / "struck"
    arm(monkeypatch, "job:begun", once)

    handle = workshop.submit(everything, str(notes))

    assert handle.result(20) == RESULT
    assert words(notes) == ["first", "second"]
    assert (workshop.job(handle).attempt, workshop.job(handle).crashes) == (2, 1)


def act(*command: str, point: str) -> str:
    """Let a client do something and die at a point; return what it had told by then."""
    environment = {**os.environ, "OUTLAST_CRASH_POINT": point}
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.client", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout


@pytest.mark.parametrize("moment", ["begun", "committed"])
def test_a_client_killed_while_it_submits_has_submitted_all_or_nothing(
    workshop: Workshop, tmp_path: Path, moment: str
) -> None:
    told = act("submit-many", "-", "50", point=f"submit:{moment}")

    assert told == ""
    assert workshop.outlast.count() == (50 if moment == "committed" else 0)


@pytest.mark.parametrize("moment", ["begun", "committed"])
def test_a_submit_that_is_repeated_after_a_death_makes_one_job(workshop: Workshop, tmp_path: Path, moment: str) -> None:
    notes = tmp_path / "notes"
    act("submit", str(notes), point=f"submit:{moment}")

    handle = workshop.submit(everything, str(notes), key="the key")

    assert handle.result(20) == RESULT
    assert workshop.outlast.count() == 1
    assert words(notes) == ["first", "second"]


@pytest.mark.parametrize("moment", ["begun", "committed"])
def test_a_client_killed_while_it_cancels_a_running_job_has_cancelled_it_or_not(
    workshop: Workshop, tmp_path: Path, moment: str
) -> None:
    handle = workshop.submit(three_steps, str(tmp_path / "notes"), str(tmp_path / "go"))
    workshop.until(handle, Status.RUNNING)

    act("cancel", handle.id, point=f"ask:{moment}")
    (tmp_path / "go").touch() if moment == "begun" else None

    assert workshop.until_ended(handle).status is (Status.COMPLETED if moment == "begun" else Status.CANCELLED)


@pytest.mark.parametrize("moment", ["begun", "committed"])
def test_a_client_killed_while_it_cancels_a_job_that_waits_has_cancelled_it_or_not(
    workshop: Workshop, tmp_path: Path, moment: str
) -> None:
    handle = workshop.submit(number, 1, delay=3600)

    act("cancel", handle.id, point=f"swap:{moment}")

    assert workshop.job(handle).status is (Status.WAITING if moment == "begun" else Status.CANCELLED)


@pytest.mark.parametrize("moment", ["begun", "committed"])
def test_a_client_killed_while_it_removes_a_job_has_removed_all_of_it_or_nothing(
    workshop: Workshop, moment: str
) -> None:
    handle = workshop.submit(number, 1)
    handle.result(20)

    act("remove", handle.id, point=f"remove:{moment}")

    assert workshop.outlast.count() == (1 if moment == "begun" else 0)
