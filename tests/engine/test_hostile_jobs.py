"""Whatever a job does to its process: it ends with the right words, and the next job does not notice."""

import re
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from outlast.core.codec import decode
from outlast.core.status import Reason, Status
from tests.engine import hostile, hostile_families
from tests.engine.forking import until_it_forks
from tests.waiting import eventually
from tests.workshop import Workshop, warm_and_forked


@dataclass(frozen=True)
class Case:
    """A job, and how it must end; `error` is a pattern of the whole text."""

    fn: Any
    args: tuple[Any, ...] = ()
    error: str = ""
    reason: Reason = Reason.ERROR
    attempts: int = 1

    def __str__(self) -> str:
        return "-".join([self.fn.kind, *(str(arg)[:20] for arg in self.args)])


def dies(fn: Any, *args: Any, error: str, attempts: int = 1) -> Case:
    return Case(fn, args, error, Reason.CRASH, attempts)


def fails(fn: Any, *args: Any, error: str) -> Case:
    return Case(fn, args, error)


ENDS = [
    dies(hostile.exits, 0, error="exit code 0 before the job had ended", attempts=3),
    dies(hostile.exits, 3, error="exit code 3", attempts=3),
    dies(hostile.reads_address_zero, error="killed by SIGSEGV"),
    dies(hostile.dies_of, signal.SIGABRT, error="killed by SIGABRT"),
    dies(hostile.dies_of, signal.SIGKILL, error="killed by SIGKILL"),
    dies(hostile.dies_of, signal.SIGRTMIN, error="killed by SIGRTMIN"),
    dies(hostile.becomes_another_program, 7, error="exit code 7"),
    fails(hostile.raises, "SystemExit", "x", error="SystemExit: x"),
    fails(hostile.raises, "SystemExit", 3, error="SystemExit: 3"),
    fails(hostile.raises, "OwnBase", "out", error="OwnBase: out"),
    fails(hostile.raises, "KeyboardInterrupt", error="KeyboardInterrupt"),
    fails(hostile.raises, "GeneratorExit", error="GeneratorExit"),
    fails(hostile.raises, "CannotTell", error="CannotTell: <its __str__ raised ValueError>"),
    fails(hostile.raises_odd_text, error=r"ValueError: a\0b\x1b\[31m\n\\ud83d"),
    fails(hostile.raises, "ValueError", "long " * 100_000, error="ValueError: long .*"),
    fails(hostile.raises_a_group, error=r"ExceptionGroup: two at once \(2 sub-exceptions\)"),
    fails(hostile.recurses, error="RecursionError: maximum recursion depth exceeded.*"),
    fails(hostile.asks_for_all_memory, error="MemoryError.*"),
    fails(hostile.raises_cancelled, error="JobCancelled: of its own will"),
    fails(hostile.reads_stdin, error="EOFError: EOF when reading a line"),
]
LEAVING = [
    hostile.changes_directory,
    hostile.changes_umask,
    hostile.changes_environment,
    hostile.changes_path,
    hostile.changes_handlers,
    hostile.changes_another_handler,
    hostile.blocks_signals,
    hostile.sets_an_alarm,
    hostile.leaves_a_thread,
    hostile.leaves_a_descriptor,
    hostile.lowers_its_limits,
    hostile.replaces_stdout,
    hostile.closes_stdout,
    hostile.ruins_sys,
    hostile.raises_the_recursion_limit,
]


pytestmark = warm_and_forked


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next job go to the same process, if that is still to be had."""
    monkeypatch.setenv("OUTLAST_CONCURRENCY", "1")


@pytest.fixture(autouse=True)
def forks(one_at_a_time: None, workshop: Workshop) -> None:
    """Wait until there is something to be forked from."""
    if workshop.forks:
        until_it_forks(workshop)


def surroundings(workshop: Workshop) -> Any:
    """Return what a job finds around it now."""
    return workshop.submit(hostile.look_around).result(timeout=20)


@pytest.mark.parametrize("case", ENDS, ids=str)
def test_an_end_has_its_status_its_reason_and_its_words(workshop: Workshop, case: Case) -> None:
    before = surroundings(workshop)
    handle = workshop.submit(case.fn, *case.args)
    following = workshop.submit(hostile.look_around)

    ended = workshop.until_ended(handle)

    assert (ended.status, ended.reason) == (Status.FAILED, case.reason)
    assert re.fullmatch(case.error, ended.error or "", re.DOTALL)
    assert ended.attempt == case.attempts
    assert following.result(timeout=20) == before
    assert workshop.job(following).crashes == 0


@pytest.mark.parametrize("code", [[], [0], [None]], ids=str)
def test_leaving_with_exit_code_0_completes_the_job(workshop: Workshop, code: list[Any]) -> None:
    assert workshop.submit(hostile.raises, "SystemExit", *code).result(timeout=20) is None


@pytest.mark.parametrize("fn", LEAVING, ids=lambda fn: str(fn.kind))
def test_the_next_job_finds_everything_as_it_was(workshop: Workshop, fn: Any) -> None:
    before = surroundings(workshop)

    handle = workshop.submit(fn)
    following = workshop.submit(hostile.look_around)

    ended = workshop.until_ended(handle)

    assert (ended.status, ended.error) == (Status.COMPLETED, None)
    assert following.result(timeout=20) == before


@pytest.mark.parametrize(
    "fn",
    [
        hostile_families.forks_and_both_return,
        hostile_families.forks_and_the_child_raises,
        hostile_families.forks_and_the_child_uses_the_context,
    ],
    ids=lambda fn: str(fn.kind),
)
def test_a_job_whose_child_returns_ends_once(workshop: Workshop, tmp_path: Path, fn: Any) -> None:
    handle = workshop.submit(fn, str(tmp_path / "pids"))

    assert handle.result(timeout=20) == 1
    assert len((tmp_path / "pids").read_text().split()) == 2
    assert workshop.events(handle).count("completed") == 1
    assert workshop.details(handle).cursor is None
    assert surroundings(workshop)["children"] == ""


@pytest.mark.parametrize("error", ["", "told all the same"])
def test_files_opened_in_place_of_ours_hold_only_what_the_job_wrote(
    workshop: Workshop, tmp_path: Path, error: str
) -> None:
    before = surroundings(workshop)

    ended = workshop.until_ended(workshop.submit(hostile.closes_everything, str(tmp_path), error=error))

    assert ended.error == (f"ValueError: {error}" if error else None)
    assert surroundings(workshop) == before
    assert {(tmp_path / str(number)).read_text() for number in range(8)} == {"ours\n"}


def test_output_without_end_is_kept_within_bounds(workshop: Workshop) -> None:
    handle = workshop.submit(hostile.prints_for_ever, 50)

    assert handle.result(timeout=60) is None
    assert sum(path.stat().st_size for path in workshop.service.log_files(workshop.job(handle))) <= 20_000_000


def test_a_log_that_was_removed_harms_no_one(workshop: Workshop) -> None:
    before = surroundings(workshop)
    handle = workshop.submit(hostile.linger, str(workshop.root / "sign"))
    workshop.until(handle, "running")
    log = workshop.places.log(handle.id)
    eventually(log.exists, what="the log")
    log.unlink()
    following = workshop.submit(hostile.look_around)
    (workshop.root / "sign").touch()

    assert handle.result(timeout=20) == "stayed"
    assert following.result(timeout=20) == before
    assert workshop.job(following).attempt == 1


def test_without_a_directory_for_logs_a_job_runs_all_the_same(workshop: Workshop) -> None:
    before = surroundings(workshop)

    shutil.rmtree(workshop.places.logs)

    assert surroundings(workshop) == before


def test_a_million_reports_of_progress_leave_the_last(workshop: Workshop) -> None:
    ended = workshop.submit(hostile.reports_a_million_times).wait(timeout=60)

    assert ended["progress"].items() >= {"done": 1_000_000, "total": 1_000_000}.items()


def test_progress_that_is_no_number_is_left_out(workshop: Workshop) -> None:
    ended = workshop.submit(hostile.reports_nonsense).wait(timeout=20)

    assert ended["status"] == "completed", ended.get("error")
    assert ended["progress"].items() >= {"done": 150, "total": 100, "message": "too much"}.items()


STRANGE = {
    "set": "is a set",
    "bytes": "is a bytes",
    "nan": r"\[1\] is nan",
    "key": "has a key that is a int",
    "ring": "is nested deeper than 200 levels",
    "surrogate": "holds a lone surrogate",
    "object": "is a object",
    "generator": "is a generator",
    "huge": "bytes of JSON; the most is",
    "long": "more than 4,300 digits",
    "evil": "RuntimeError|is a Evil",
}


@pytest.mark.parametrize("what", STRANGE)
def test_work_is_not_lost_because_its_result_is_not_json(workshop: Workshop, what: str) -> None:
    ended = workshop.until_ended(workshop.submit(hostile.returns, what))

    assert (ended.status, ended.attempt, ended.error) == (Status.COMPLETED, 1, None)
    result = decode(ended.result or "null")
    assert result.keys() == {"repr", "warning"}
    assert re.search(STRANGE[what], result["warning"])
    assert "could not be stored" in workshop.outlast.get(ended.id).logs()


@pytest.mark.parametrize("what", STRANGE)
def test_a_step_whose_result_is_not_json_fails_by_name(workshop: Workshop, what: str) -> None:
    ended = workshop.until_ended(workshop.submit(hostile.keeps, what))

    assert (ended.status, ended.reason) == (Status.FAILED, Reason.ERROR)
    assert re.search(STRANGE[what], ended.error or "")
    assert what == "evil" or "the result of step 'odd'" in (ended.error or "")


@pytest.mark.parametrize("what", ["nan", "evil"])
def test_work_is_not_lost_because_its_last_cursor_is_not_json(workshop: Workshop, what: str) -> None:
    assert workshop.submit(hostile.saves_what_cannot_be_saved, what).result(timeout=20) == "worked for hours"


def test_a_job_that_swallows_its_wait_waits_all_the_same(workshop: Workshop, tmp_path: Path) -> None:
    handle = workshop.submit(hostile_families.swallows_everything_around_a_wait, str(tmp_path / "pids"))
    workshop.until(handle, "waiting")
    assert len((tmp_path / "pids").read_text().split()) == 1, "it went on behind the wait"

    assert handle.result(timeout=20) == "through"
    assert workshop.job(handle).attempt == 2
