"""The tables of the pages say what the code says: moves, reasons, the job object, errors, and the Python API."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import outlast
from outlast import Checklist, Context, Handle, JobState, Outlast
from outlast.core import errors
from outlast.core.job import Home as JobHome
from outlast.core.job import Job, Progress, Spec
from outlast.core.policies import Policy
from outlast.core.status import MOVES, REASONS, Reason, Status
from outlast.core.view import job_object
from outlast.functions import SUBMIT_WORDS
from outlast.storage.exchange.lines import LINES
from outlast.upkeep.doctor import CHECKS
from tests.docs.pages import ROOT, blocks, table, words

ARCHITECTURE = ROOT / "docs" / "architecture.md"
FILES = ROOT / "docs" / "files.md"
REPAIR = ROOT / "docs" / "repair.md"
PYTHON = ROOT / "docs" / "python.md"
JOB_STATE = ROOT / "docs" / "jobstate.md"


def test_the_diagram_shows_the_moves_of_the_table_in_the_code() -> None:
    [diagram] = [block for block in blocks(ARCHITECTURE) if block.language == "mermaid"]

    shown = re.findall(r"^ +(\w+) --> (\w+):", diagram.text, re.MULTILINE)

    assert sorted(shown) == sorted((str(old), str(new)) for old, news in MOVES.items() for new in news)


def test_the_page_lists_every_reason_below_its_status() -> None:
    shown: dict[str, set[str]] = {}
    status = ""
    for first, reasons, _ in table(ARCHITECTURE, "The statuses"):
        status = words(first)[0] if words(first) else status
        shown.setdefault(status, set()).update(words(reasons))

    assert shown == {str(status): {str(reason) for reason in known} for status, known in REASONS.items() if known}


def full_jobs() -> Iterator[Job]:
    """Yield jobs that between them show every key of the job object."""
    home = JobHome(interpreter="python3", path=(), cwd="/")
    spec = Spec(kind="mirror", target="jobs:mirror", policy=Policy(), home=home)
    job = Job(
        seq=1,
        id="mirror_1758362400000_9f2c41d07ab35e68",
        status=Status.WAITING,
        reason=Reason.CONDITION,
        spec=spec,
        created_at=0,
        updated_at=0,
        wake_at=1,
        waiting_info={"path": "x"},
        progress=Progress(done=1, total=2, message="half", rate=1.0),
        key="k",
        account="a",
        labels={"env": "prod"},
        queue="mail",
        priority=1,
        tries=1,
        crashes=1,
    )
    yield job
    yield Job(
        seq=2,
        id=job.id,
        status=Status.FAILED,
        reason=Reason.ERROR,
        spec=spec,
        created_at=0,
        updated_at=0,
        completed_at=1,
        error="ValueError: text",
        result="1",
    )


def test_the_page_lists_every_key_of_the_job_object() -> None:
    shown = {word for row in table(FILES, "The job object") for word in words(row[0])}

    assert shown == {key for job in full_jobs() for key in job_object(job)}


def test_the_page_lists_every_field_of_progress() -> None:
    [meaning] = [row[1] for row in table(FILES, "The job object") if words(row[0]) == ["progress"]]

    assert set(words(meaning)) == set(job_object(next(full_jobs()))["progress"])


def all_errors(kind: type[errors.OutlastError] = errors.OutlastError) -> Iterator[type[errors.OutlastError]]:
    """Yield the error and everything below it in the tree of core.errors."""
    if kind.__module__ == errors.__name__:
        yield kind
        for below in kind.__subclasses__():
            yield from all_errors(below)


def test_the_page_lists_every_error_code_with_its_exit_code() -> None:
    shown = {(words(code)[0], int(number)) for code, number, _ in table(FILES, "Errors")}

    # A failed job is no error of the command line: it is told as the end of the job, with exit code 1.
    assert shown == {(kind.code, kind.exit_code) for kind in all_errors() if kind is not errors.JobFailed}


def test_the_page_explains_every_exit_code() -> None:
    shown = {int(row[0]) for row in table(FILES, "Exit codes")}

    assert shown == {0, 130} | {kind.exit_code for kind in all_errors()}


def public(kind: type, *, made_in_init: str = "") -> set[str]:
    """Return the public names of a class, and the public attributes that its constructor sets."""
    set_there = re.findall(r"self\.([a-z]\w*)(?::[^=]+)? = ", inspect.getsource(vars(kind)["__init__"]))
    return {name for name in {*vars(kind), *set_there} if not name.startswith("_")}


def names_in(heading: str, page: Path = PYTHON) -> set[str]:
    """Return the names that the first column of a table of a page explains."""
    cells = (word for row in table(page, heading) for word in words(row[0]))
    return {re.sub(r"\(.*", "", cell) for cell in cells}


def test_the_page_explains_the_handle() -> None:
    assert names_in("A job and its handle") == public(Handle)


def test_the_page_explains_the_context() -> None:
    internal = {"flush", "take_unsaved", "name_for", "parked"}

    assert names_in("The whole context") == public(Context) - internal


def test_the_page_explains_the_store() -> None:
    assert names_in("Looking and steering") == public(Outlast) - {"submit_spec"}


def test_the_page_explains_checklists() -> None:
    assert names_in("Of a checklist", JOB_STATE) == {*public(Checklist)}


def test_the_map_of_the_page_is_one_that_is_printed() -> None:
    [shown] = [block.text for block in blocks(JOB_STATE) if "█ all" in block.text]

    assert shown in (ROOT / "tests" / "cli" / "screens" / "state-report.txt").read_text(encoding="utf-8")


def test_the_page_explains_job_state() -> None:
    assert names_in("Of job state", JOB_STATE) == public(JobState)


def test_the_page_explains_the_words_of_submit() -> None:
    assert names_in("Submitting") == SUBMIT_WORDS


def test_the_page_explains_the_rules_of_a_job() -> None:
    rules = set(inspect.signature(outlast.functions.make_policy).parameters) | {"queue", "priority"}
    rules |= set(inspect.signature(outlast.functions.make_schedule_rules).parameters)

    assert names_in("Rules of a job") == rules


def test_the_page_lists_every_line_and_field_of_an_export() -> None:
    shown = {words(kind)[0]: words(fields) for kind, _, fields in table(FILES, "The export format")}

    assert {kind: shown[kind] for kind in LINES} == {
        kind: [field.name for field in line.fields] for kind, line in LINES.items()
    }
    assert shown.keys() - LINES.keys() == {"spec"}


def test_the_page_lists_every_check_of_the_doctor() -> None:
    assert [words(row[0])[0] for row in table(REPAIR, "When something is broken")] == list(CHECKS)
